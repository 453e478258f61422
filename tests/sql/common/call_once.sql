-- Whose kept answers the API can see, and how they go.
begin;
select plan(9);

insert into core.idempotency_keys (caller_id, idempotency_key, endpoint, digest, body, created_at)
select
    format('00000000-0000-4000-8000-%s', lpad(n::text, 12, '0'))::uuid,
    'key',
    'start_journey',
    '',
    n,
    now() - n * interval '10 hours'
from generate_series(1, 5) as n;

set local role authenticator;
select is_empty('select * from core.idempotency_keys', 'nobody calls: there is no row');
select set_config('request.jwt.claims', '{"sub":"00000000-0000-4000-8000-000000000001"}', true);
select results_eq('select body from core.idempotency_keys', $$values ('1')$$, 'a person has their own');
select throws_ok(
    $$insert into core.idempotency_keys values ('00000000-0000-4000-8000-000000000002', 'mine', 'x', '')$$, '42501', null, 'and none in another name'
);
select set_config('request.jwt.claims', '{"api_key_id":"00000000-0000-4000-8000-000000000002"}', true);
select results_eq('select body from core.idempotency_keys', $$values ('2')$$, 'and so has an API key');
select throws_ok('delete from core.idempotency_keys', '42501', null, 'nothing is removed this way');
reset role;

select is_empty(
    $$select r from unnest(array['web_anon', 'authenticated', 'integrator', 'saferoute_api', 'worker', 'analyst', 'operator']) as r
      where has_table_privilege(r, 'core.idempotency_keys', 'select, insert, update, delete')
      or has_function_privilege(r, 'core.call_once(text, text, text, boolean, text, text, text, text, text, text, json)', 'execute')$$,
    'no other role has any of it'
);
select is(core.forget_idempotency_keys(2), 2::bigint, 'what is over a day old goes in steps');
select is(core.forget_idempotency_keys(2), 1::bigint, 'until nothing is left of it');
select results_eq('select body from core.idempotency_keys order by 1', $$values ('1'), ('2')$$, 'and the rest stays');

select * from finish();
rollback;
