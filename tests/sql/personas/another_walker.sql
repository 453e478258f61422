-- Another signed-in person: everything of the first one's does not exist for them, in any table.
begin;
select plan(14);

create function pg_temp.first() returns uuid language sql immutable as $$select '00000000-0000-4000-8000-000000000001'::uuid$$;
create function pg_temp.second() returns uuid language sql immutable as $$select '00000000-0000-4000-8000-000000000002'::uuid$$;

-- Rows of the first one, by table; counted as p_role with the second one's claims.
create function pg_temp.rows_of_the_first(p_role text) returns table (relation text, number bigint)
language plpgsql as $$
declare
    v_table record;
begin
    for v_table in
        select u.relation::text as name, u.user_column from core.user_data as u
        where has_any_column_privilege(p_role, u.relation, 'select')
            and has_column_privilege(p_role, u.relation, u.user_column, 'select')
    loop
        relation := v_table.name;
        execute format('set local role %I', p_role);
        execute format('select count(*) from %s where %I = $1', v_table.name, v_table.user_column)
        into number using pg_temp.first();
        reset role;
        return next;
    end loop;
end
$$;
-- What the second one's functions could change of them, if they forgot to ask whose it is.
create function pg_temp.removed_of_the_first(p_role text) returns table (relation text, number bigint)
language plpgsql as $$
declare
    v_table record;
begin
    for v_table in
        select u.relation::text as name, u.user_column from core.user_data as u
        where has_table_privilege(p_role, u.relation, 'delete')
    loop
        relation := v_table.name;
        execute format('set local role %I', p_role);
        execute format('with gone as (delete from %s returning 1) select count(*) from gone', v_table.name) into number;
        reset role;
        return next;
    end loop;
end
$$;

select tests.authenticate_as(pg_temp.first());
select api.start_journey('00000000-0000-7000-8000-000000000001', -77.03, 38.9);
select api.record_points(
    '00000000-0000-7000-8000-000000000001',
    json_build_array(json_build_object('recorded_at', now(), 'lon', -77.03, 'lat', 38.9), '{}'::json)
);
select api.add_contact('00000000-0000-7000-8000-000000000001', 'Mum', 'sms', '+442079460123', 'Zoë');
select api.raise_sos('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000001');
select api.set_alert_settings(countdown_s => 5);
select api.add_webhook('00000000-0000-7000-8000-000000000001', 'https://hook.example/1');
reset role;

select set_config('request.jwt.claims', json_build_object('role', 'authenticated', 'sub', pg_temp.first())::text, true);
select cmp_ok(
    (
        select count(*) from pg_temp.rows_of_the_first('saferoute_api')
        where number > 0
    ), '>=', 11::bigint,
    'the first one has rows in many tables'
);
select set_config('request.jwt.claims', json_build_object('role', 'authenticated', 'sub', pg_temp.second())::text, true);
select is_empty(
    $$select * from pg_temp.rows_of_the_first('saferoute_api') where number > 0$$, 'none of which the second one''s calls find'
);
select is_empty(
    $$select * from pg_temp.removed_of_the_first('saferoute_api') where number > 0$$, 'or remove'
);
select set_config('request.jwt.claims', '{"role":"web_anon"}', true);
select is_empty(
    $$select * from pg_temp.rows_of_the_first('saferoute_api') where number > 0$$, 'nor do those of nobody'
);

select tests.authenticate_as(pg_temp.second());
select throws_ok(
    $$select api.journey_track('00000000-0000-7000-8000-000000000001')$$, 'SR002', null, 'they cannot follow the walk'
);
select throws_ok(
    $$select api.record_points('00000000-0000-7000-8000-000000000001', '[{"lon":1}]')$$, 'SR002', null, 'add to it'
);
select throws_ok($$select api.end_journey('00000000-0000-7000-8000-000000000001')$$, 'SR002', null, 'or end it');
select is(api.my_journeys()::text, '[]', 'it is in no list of theirs');
select is(api.my_contacts()::text, '[]', 'nor is the contact');
select throws_ok(
    $$select api.update_contact('00000000-0000-7000-8000-000000000001', address => '+442079460999')$$, 'SR050', null,
    'whom they cannot make their own'
);
select throws_ok(
    $$select api.remove_contact('00000000-0000-7000-8000-000000000001')$$, 'SR050', null, 'or remove'
);

select throws_ok(
    $$select api.cancel_sos('00000000-0000-7000-8000-000000000001')$$, 'SR090', null, 'they cancel no call for help'
);
select is(api.alerts_since() ->> 'alerts', '[]', 'hear of none');
select is(api.my_endpoints()::text, '[]', 'and see no webhook');

select * from finish();
rollback;
