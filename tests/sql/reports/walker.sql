-- A walker asks for reports, and gets them once a worker has made them.
begin;
select plan(33);

create function pg_temp.report(p_n integer) returns uuid language sql immutable as $$
select ('00000000-0000-7000-8000-0000000001' || lpad(p_n::text, 2, '0'))::uuid
$$;
create function pg_temp.as_worker(p_statement text) returns text language plpgsql as $$
declare
    v_answer text;
begin
    set local role worker;
    execute p_statement into v_answer;
    reset role;
    return v_answer;
end
$$;
create temporary table claims (n integer primary key, claim uuid);
create function pg_temp.claim(p_n integer, p_report uuid) returns uuid language sql as $$
insert into claims values (p_n, (pg_temp.as_worker(format('select tasks.claim_report(%L)', p_report))::json ->> 'claim_id')::uuid)
returning claim
$$;
create function pg_temp.claim_of(p_n integer) returns uuid language sql as $$select claim from claims where n = p_n$$;
create function pg_temp.tasks_of(p_report uuid) returns table (queue text, task text) language sql as $$
select 'bulk', q.message #>> '{headers,task}' from pgmq.q_bulk as q
where convert_from(decode(q.message ->> 'body', 'base64'), 'utf8') like '%' || p_report || '%'
$$;

select tests.authenticate_as('00000000-0000-4000-8000-000000000001');
select api.start_journey('00000000-0000-7000-8000-000000000001', -77.03, 38.9);
select is(
    (api.request_report(pg_temp.report(1), 'gpx', '{"journey_id": "00000000-0000-7000-8000-000000000001"}') ->> 'state'),
    'queued', 'a report of one''s own walk is queued'
);
select is(
    (api.request_report(pg_temp.report(1), 'gpx', '{"journey_id": "00000000-0000-7000-8000-000000000001"}') ->> 'state'),
    'queued', 'asking again is harmless'
);
select throws_ok(
    $$select api.request_report(pg_temp.report(1), 'export')$$, 'SR110', null, 'but the id is taken for another one'
);
select throws_ok($$select api.request_report(null, 'export')$$, 'SR018', null, 'an id is needed');
select throws_ok($$select api.request_report(pg_temp.report(9), 'poem')$$, 'SR018', null, 'and a kind that there is');
select throws_ok($$select api.request_report(pg_temp.report(9), null)$$, 'SR018', null, 'none is none');
select throws_ok($$select api.request_report(pg_temp.report(9), 'gpx', '[]')$$, 'SR018', null, 'parameters are an object');
select throws_ok($$select api.request_report(pg_temp.report(9), 'gpx', '{"journey_id": 7}')$$, 'SR018', null, 'a walk has a UUID');
select throws_ok($$select api.request_report(pg_temp.report(9), 'route_safety')$$, 'SR018', null, 'routes are an array');
select throws_ok(
    $$select api.request_report(pg_temp.report(9), 'route_safety', '{"routes": []}')$$, 'SR018', null, 'that is not empty'
);
select throws_ok(
    $$select api.request_report(pg_temp.report(9), 'route_safety', json_build_object('routes', array_fill(''::text, '{501}'))::jsonb)$$,
    'SR018', null, 'or too long'
);
select is(
    (api.request_report(pg_temp.report(2), 'route_safety', '{"routes": [{"route": "x"}, {"route": "y"}]}') ->> 'total'), '2',
    'two routes are two parts'
);
select lives_ok($$select api.request_report(pg_temp.report(3), 'export')$$, 'an export needs nothing');
select throws_ok($$select api.report_content(pg_temp.report(1))$$, 'SR111', null, 'what is not made cannot be had');
reset role;
select results_eq(
    $$select t.* from generate_series(1, 3) as n cross join lateral pg_temp.tasks_of(pg_temp.report(n)) as t$$,
    $$values ('bulk', 'journey_report'), ('bulk', 'route_safety_bulk'), ('bulk', 'export')$$,
    'each has been queued once, where alarms never wait'
);

-- A worker takes one, dies, and another takes it.
select isnt(pg_temp.claim(1, pg_temp.report(1)), null, 'a worker takes it');
select is(pg_temp.as_worker(format('select tasks.claim_report(%L)', pg_temp.report(1))), null, 'another does not, meanwhile');
update core.reports set claimed_until = clock_timestamp()
where report_id = pg_temp.report(1);
select isnt(pg_temp.claim(2, pg_temp.report(1)), null, 'but does so when the first one''s time is over');
select is(
    pg_temp.as_worker(format('select tasks.finish_report(%L, %L, %L)', pg_temp.claim_of(1), 'text/plain', 'late')),
    'false', 'what the first one brings then is not wanted'
);
select throws_ok(
    format('select pg_temp.as_worker(%L)', format('select tasks.report_facts(%L)', pg_temp.claim_of(2))),
    'SR021', null, 'a walk without positions has nothing to report'
);
reset role;
select is(
    pg_temp.as_worker(format('select tasks.finish_report(%L, %L, %L)', pg_temp.claim_of(2), 'text/plain', 'done')),
    'true', 'it is made'
);
select is(pg_temp.as_worker(format('select tasks.claim_report(%L)', pg_temp.report(1))), null, 'once');

-- One that cannot be made now is tried again; one that never ends is given up.
select pg_temp.claim(3, pg_temp.report(3));
select is(
    pg_temp.as_worker(format('select tasks.fail_report(%L, %L, %L)', pg_temp.claim_of(3), 'upkeep', '1 minute')),
    'true', 'a worker gives one back'
);
select is((select count(*) from pg_temp.tasks_of(pg_temp.report(3))), 2::bigint, 'it is queued again');
select is(pg_temp.as_worker(format('select tasks.claim_report(%L)', pg_temp.report(3))), null, 'for later');
update core.reports set claimed_until = null, attempts = 3
where report_id = pg_temp.report(3);
select is(pg_temp.as_worker(format('select tasks.claim_report(%L)', pg_temp.report(3))), null, 'what was begun three times is not begun again');

-- A task is only a nudge.
delete from pgmq.q_bulk;
update core.reports set nudged_at = clock_timestamp() - interval '2 minutes';
select is(pg_temp.as_worker('select tasks.sweep_reports()'), '1', 'the one that nobody makes is queued anew');
select is(pg_temp.as_worker('select tasks.sweep_reports()'), '0', 'once a minute');

select tests.authenticate_as('00000000-0000-4000-8000-000000000001');
select is(
    api.report_content(pg_temp.report(1))::jsonb - 'file_name', '{"media_type": "text/plain", "base64": "ZG9uZQ=="}',
    'they get what was made'
);
select is(
    (select json_agg(r ->> 'state' order by r ->> 'report_id') from json_array_elements(api.my_reports()) as r)::text,
    '["ready", "queued", "failed"]', 'and see how all of them stand'
);
select lives_ok($$select api.remove_report(pg_temp.report(1))$$, 'they remove it');
select throws_ok($$select api.report_status(pg_temp.report(1))$$, 'SR100', null, 'and it is gone');

reset role;
insert into core.reports (report_id, user_id, kind, parameters, total)
select
    gen_random_uuid(),
    '00000000-0000-4000-8000-000000000001',
    'export',
    '{}',
    1
from generate_series(1, 48);
select tests.authenticate_as('00000000-0000-4000-8000-000000000001');
select throws_ok($$select api.request_report(pg_temp.report(9), 'export')$$, 'SR097', null, 'nobody keeps more than 50');

select * from finish();
rollback;
