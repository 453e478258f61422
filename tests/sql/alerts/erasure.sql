-- A person is taken out of alerts: as a walker, and as a contact. What happened stays, and can still be verified.
begin;
select plan(16);

create function pg_temp.zoe() returns void language sql as $$select tests.authenticate_as('00000000-0000-4000-8000-000000000001')$$;
create function pg_temp.mum() returns void language sql as $$select tests.authenticate_as('00000000-0000-4000-8000-000000000002')$$;
create function pg_temp.erase(p_user_id uuid) returns void language plpgsql as $$
begin
    loop
        perform core.erase_user(p_user_id, 3);
        exit when not found;
    end loop;
end
$$;
create function pg_temp.found(p_user_id uuid) returns bigint language sql as $$
select sum(core.count_user_rows(t.leaf, t.user_column, p_user_id))::bigint from core.user_tables() as t
$$;
-- Any column of a table of alerts that names this text.
create function pg_temp.naming(p_text text) returns setof text language plpgsql as $$
declare
    v_table text;
begin
    foreach v_table in array array['alerts', 'alert_deliveries', 'alert_events', 'alert_links', 'alert_chains', 'inboxes',
        'inbox_entries', 'alert_settings', 'notification_endpoints'] loop
        return query execute format('select %L || '' '' || t::text from core.%I as t where t::text like %L', v_table, v_table,
            '%' || p_text || '%');
    end loop;
end
$$;

select pg_temp.zoe();
select api.add_contact('00000000-0000-7000-8000-000000000011', 'Mum', 'sms', '+442079460123', 'Zoë');
select set_config('tests.mum', split_part(tests.sent('+442079460123') ->> 'link', '#', 2), true);
select pg_temp.mum();
select api.accept_contact(current_setting('tests.mum'));
select api.connect_contact(current_setting('tests.mum'));
select pg_temp.zoe();
select api.raise_sos('00000000-0000-7000-8000-000000000001', lon => -77.03, lat => 38.9, message => 'by the river');
select pg_temp.mum();
select api.raise_sos('00000000-0000-7000-8000-000000000002', message => 'in the wood');
reset role;
insert into core.users (user_id, phone, phone_verified_at, password_hash, language)
values ('00000000-0000-4000-8000-000000000002', '+442079460123', now(), '$argon2id$', 'en');

-- The contact.
select pg_temp.erase('00000000-0000-4000-8000-000000000002');
select is(pg_temp.found('00000000-0000-4000-8000-000000000002'), 0::bigint, 'nothing of the contact''s account is left');
select is_empty($$select pg_temp.naming('00000000-0000-4000-8000-000000000002')$$, 'in no column');
select is_empty($$select pg_temp.naming('+442079460123')$$, 'nor the number they were told at');
select is_empty($$select pg_temp.naming('in the wood')$$, 'nor what they wrote');
select is((
    select count(*) from core.alerts
    where user_id is null and ended_at is not null
), 1::bigint, 'an open call of theirs has ended');
select is_empty($$select * from ops.verify_alert_chain()$$, 'the chains are whole');
select is(
    (select array_agg(state order by channel) from core.alert_deliveries), '{sent,cancelled,cancelled}',
    'what they were not told yet they are not told any more'
);
select pg_temp.zoe();
select is(
    api.alert_status('00000000-0000-7000-8000-000000000001') ->> 'message', 'by the river', 'the walker keeps the alert'
);
select is(json_array_length(api.my_contacts()), 1, 'and the contact they named');
reset role;

-- The walker.
select lives_ok(
    $$select core.append_alert_event('00000000-0000-7000-8000-000000000001', 'delivered', null, '{"by": "a provider"}')$$,
    'events go on'
);
select pg_temp.erase('00000000-0000-4000-8000-000000000001');
select is(pg_temp.found('00000000-0000-4000-8000-000000000001'), 0::bigint, 'nothing of the walker is left');
select is_empty(
    $$select pg_temp.naming(n) from unnest('{00000000-0000-4000-8000-000000000001,by the river,Zoë,-77.03}'::text[]) as n$$,
    'in no column'
);
select is(
    (
        select array_agg(event order by number) from core.alert_events
        where alert_id = '00000000-0000-7000-8000-000000000001'
    ),
    '{raised,queued,delivered}', 'what happened stays'
);
select is_empty($$select * from ops.verify_alert_chain()$$, 'and can be verified');
select lives_ok(
    $$select core.append_alert_event('00000000-0000-7000-8000-000000000001', 'delivered', null, '{"by": "a provider"}')$$,
    'a provider that reports late is heard'
);
select is_empty($$select * from ops.verify_alert_chain()$$, 'and what it says is tied to the rest');

select * from finish();
rollback;
