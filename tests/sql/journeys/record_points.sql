-- What can be wrong with a batch, and what becomes of the rest of it.
begin;
select plan(18);

create function pg_temp.record(p_points text) returns jsonb language sql as $$
select api.record_points('00000000-0000-7000-8000-000000000001', p_points::json)::jsonb
$$;
create function pg_temp.point(p_recorded_at text, p_lon text default '-77.03', p_lat text default '38.9', p_more text default '') returns text language sql as $$
select format('{"recorded_at":%s,"lon":%s,"lat":%s%s}', p_recorded_at, p_lon, p_lat, p_more)
$$;
create function pg_temp.reason(p_point text) returns text language sql as $$
select pg_temp.record(format('[%s]', p_point)) #>> '{quarantined,0,reason}'
$$;
create function pg_temp.ago(p_ago interval) returns text language sql as $$
select to_json(to_char((now() - p_ago) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))::text
$$;
select tests.authenticate_as('00000000-0000-4000-8000-000000000001');
select api.start_journey('00000000-0000-7000-8000-000000000001', -77.03, 38.9);

select throws_ok($$select pg_temp.record('[]')$$, 'SR020', null, '0 points');
select throws_ok($$select pg_temp.record('{}')$$, 'SR019', null, 'no array');
select throws_ok($$select pg_temp.record(null)$$, 'SR019', null, 'nothing');
select throws_ok(
    $$select pg_temp.record((select json_agg(n)::text from generate_series(1, 100000) as n))$$, 'SR017', null, '100,000 points'
);

select is(pg_temp.reason(pg_temp.point('"1970-01-01T00:00:00Z"')), 'time', '1970');
select is(pg_temp.reason(pg_temp.point(pg_temp.ago('-1 hour'))), 'time', 'the future');
select is(pg_temp.reason(pg_temp.point(format('"%s"', now()::timestamp))), 'time', 'a time without a zone');
select is(pg_temp.reason(pg_temp.point('1700000000')), 'time', 'a number is no time');
select is(pg_temp.reason(pg_temp.point(pg_temp.ago('0'), '"NaN"')), 'position', 'NaN');
select is(pg_temp.reason(pg_temp.point(pg_temp.ago('0'), '500')), 'position', 'off the Earth');
select is(pg_temp.reason(pg_temp.point(pg_temp.ago('0'), 'null')), 'position', 'no longitude');
select is(pg_temp.reason(pg_temp.point(pg_temp.ago('0'), '38.9', '-77.03')), 'far', 'longitude and latitude swapped');
select is(
    (
        select array_agg(distinct pg_temp.reason(p.point))
        from unnest(array[
            '3', 'null', '[]', '"x"', pg_temp.point('"2026-13-45T00:00:00Z"'), pg_temp.point(pg_temp.ago('0'), '"west"'),
            pg_temp.point(pg_temp.ago('0'), '1e999'), pg_temp.point('"\u0000"'), pg_temp.point(pg_temp.ago('0'), '[1]')
        ]) as p (point)
    ),
    '{unreadable}', 'no point at all, no such day, no number, too large a number, a null byte'
);

-- All of them among good ones, in two forms of time.
select is(
    pg_temp.record(format(
        '[%s,7,%s,%s,%s]', pg_temp.point(pg_temp.ago('1 min')), pg_temp.point(pg_temp.ago('2 min'), '"NaN"'),
        pg_temp.point(to_json(now() - interval '3 min')::text), pg_temp.point('"x"')
    )),
    '{"accepted": 2, "duplicates": 0, "quarantined": [{"index": 1, "reason": "unreadable"}, {"index": 2, "reason": "position"}, {"index": 4, "reason": "time"}]}',
    'the rest of the batch is kept'
);
select is(
    pg_temp.record(format('[%s,7]', pg_temp.point(pg_temp.ago('1 min')))),
    '{"accepted": 0, "duplicates": 1, "quarantined": [{"index": 1, "reason": "unreadable"}]}',
    'a retry gets the same answer, with duplicates'
);
reset role;
select is(
    (
        select count(*) from core.point_quarantine
        where point::text = '7'
    ),
    1::bigint, 'and is set aside once'
);

select tests.authenticate_as('00000000-0000-4000-8000-000000000001');
select pg_temp.record(format('[%s]', pg_temp.point(pg_temp.ago('4 min'), p_more => ',"speed_mps":1.5,"accuracy_m":-1,"battery_pct":140,"other":1')));
reset role;
select results_eq(
    $$select speed_mps, accuracy_m, battery_pct from core.journey_points where recorded_at < now() - interval '210 seconds'$$,
    $$values (1.5::real, null::real, null::real)$$, 'a measurement that cannot be is left out'
);
select is(current_setting('synchronous_commit'), 'local', 'positions do not wait for a standby');

select * from finish();
rollback;
