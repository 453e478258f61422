-- Browsers and webhooks where an account is told of alerts of others.
begin;
select plan(21);
create function pg_temp.id(n integer) returns uuid language sql as $$select ('00000000-0000-7000-8000-0000000003' || lpad(n::text, 2, '0'))::uuid$$;
create function pg_temp.add_browser(n integer, p_url text) returns json language sql as $$
select api.add_browser(pg_temp.id(n), p_url, repeat('A', 87), repeat('B', 22))
$$;

select tests.name_contacts();
select tests.mum();
select is(
    pg_temp.add_browser(1, 'https://push.example/abc')::jsonb - 'added_at',
    '{"endpoint_id": "00000000-0000-7000-8000-000000000301", "channel": "web_push", "url": "https://push.example/abc"}'::jsonb,
    'a browser is added'
);
select is(
    (select count(*) from jsonb_object_keys(pg_temp.add_browser(1, 'https://push.example/abc')::jsonb)), 4::bigint, 'twice as well'
);
select is(
    length(api.add_webhook(pg_temp.id(2), 'https://hook.example:8443/a?b=c') ->> 'secret'), 43, 'a webhook gets a secret'
);
select is(
    api.add_webhook(pg_temp.id(2), 'https://hook.example:8443/a?b=c') ->> 'secret', null, 'which is shown once'
);
select unalike(api.my_endpoints()::text, '%secret%', 'and in no list');
select throws_ok(
    format('select api.add_webhook(%L, %L)', pg_temp.id(3), u), 'SR098', null, u || ' is not on the public internet'
) from unnest('{http://hook.example,https://127.0.0.1/,https://[::1]/,https://localhost/,https://a.internal/,https://me:x@hook.example/,https://10.0.0.1.,ftp://hook.example}'::text[]) as u;
select throws_ok(
    $$select api.add_browser(pg_temp.id(3), 'https://push.example/x', 'short', 'short')$$, 'SR018', null, 'keys of a browser have a length'
);
select pg_temp.add_browser(n, 'https://push.example/' || n) from generate_series(4, 11) as n;
select throws_ok($$select pg_temp.add_browser(12, 'https://push.example/12')$$, 'SR097', null, 'there can be ten');
select lives_ok(format('select api.remove_endpoint(%L)', pg_temp.id(n)), 'one is removed') from generate_series(11, 11) as n;
select api.remove_endpoint(pg_temp.id(n)) from generate_series(4, 10) as n;

-- Whoever named them has them told there.
select tests.zoe();
select is(api.my_endpoints()::text, '[]', 'to the walker they are not shown');
select lives_ok(format('select api.remove_endpoint(%L)', pg_temp.id(1)), 'and not removed');
select throws_ok($$select pg_temp.add_browser(1, 'https://push.example/z')$$, 'SR018', null, 'nor is their id free');
select api.raise_sos(pg_temp.id(20));
select set_eq(
    format('select d from tests.deliveries(%L) as d where d like ''Mum%%'' and d like ''%%1 alert%%''', pg_temp.id(20)),
    '{Mum live 1 alert sent,Mum sms 1 alert queued,Mum web_push 1 alert queued,Mum webhook 1 alert queued}'::text[],
    'but their alerts go there'
);
select unalike(api.alert_status(pg_temp.id(20))::text, '%push.example%', 'the walker does not learn where that is');

select * from finish();
rollback;
