-- What an operator is told about a quarantined point, and what fixes it.
begin;
select plan(37);

create function pg_temp.quarantine(p_point text) returns bigint language sql as $$
insert into core.point_quarantine (journey_id, user_id, reason, point, digest, received_at)
values ('00000000-0000-7000-8000-000000000001', '00000000-0000-4000-8000-000000000001', 'time', p_point::json, gen_random_uuid(), '2026-11-23 12:00Z')
returning quarantine_id
$$;
create function pg_temp.at(p_text text, p_lon text default '-77.03', p_lat text default '38.9') returns bigint language sql as $$
select pg_temp.quarantine(format('{"recorded_at":%s,"lon":%s,"lat":%s}', p_text, p_lon, p_lat))
$$;
create function pg_temp.said(p_id bigint) returns text language sql as $$
select concat_ws(' | ', e.problem, e.sentence, e.changes) from core.explain_point(p_id) as e
$$;
insert into core.journeys (journey_id, user_id, cell, started_at, ended_at, origin) values
('00000000-0000-7000-8000-000000000001', '00000000-0000-4000-8000-000000000001', 'dqcjr', '2026-11-23 10:00Z', '2026-11-23 11:30Z', 'srid=4326;point(-77.03 38.9)');
select core.make_period('core.journey_points', '2026-11-23');

select is(pg_temp.said(pg_temp.at('"1970-01-01T00:00:00Z"')), 'time | It was recorded 20,780 days before it arrived (2026-11-23 12:00:00 UTC); at most 29 days are accepted.');
select is(pg_temp.said(pg_temp.at('"2026-11-23T13:00:00Z"')), 'time | It was recorded 60 minutes after it arrived (2026-11-23 12:00:00 UTC); at most 10 minutes are accepted.');
select is(pg_temp.said(pg_temp.at('"2026-11-23T11:00:00"')), 'time | recorded_at is "2026-11-23T11:00:00": no date and time with a zone, such as 2026-11-23T12:00:00Z.');
select is(pg_temp.said(pg_temp.at('null')), 'time | It has no recorded_at.');
select is(
    pg_temp.said(pg_temp.at('1795431600')),
    'time | recorded_at is 1795431600: no date and time with a zone, such as 2026-11-23T12:00:00Z. Counted from 1970, it would be plausible. | {"recorded_at" : "2026-11-23T11:00:00.000Z"}',
    'seconds since 1970'
);
select matches(pg_temp.said(pg_temp.at('1795431600250')), '2026-11-23T11:00:00.250Z', 'milliseconds');
select unalike(pg_temp.said(pg_temp.at('17')), '%1970%', 'a small number');
select is(pg_temp.said(pg_temp.at('"2026-11-23T11:35:00Z"')), 'ended | It was recorded 5 minutes after the end of its journey (2026-11-23 11:30:00 UTC).');
select is(
    pg_temp.said(pg_temp.at('"2026-11-23T11:00:00Z"', '500')), 'position | lon is 500, lat is 38.9; on Earth lon is -180 to 180, lat -90 to 90.'
);
select is(
    pg_temp.said(pg_temp.at('"2026-11-23T11:00:00Z"', '"NaN"', 'null')), 'position | lon is NaN, lat is missing; on Earth lon is -180 to 180, lat -90 to 90.'
);
select matches(
    pg_temp.said(pg_temp.at('"2026-11-23T11:00:00Z"', '38.9', '-77.03')),
    '^far \| It is 14,\d{3} km from where its journey began; about 300 km are accepted\. Its longitude and latitude look swapped\. \| \{"lon" : -77\.03, "lat" : 38\.9\}$'
);
select unalike(pg_temp.said(pg_temp.at('"2026-11-23T11:00:00Z"', '38.9', '0')), '%swapped%', 'far either way');
select is(pg_temp.said(pg_temp.quarantine('7')), 'unreadable | It is no object of recorded_at, lon and lat, but of type number.');
select is(pg_temp.said(pg_temp.at('"2026-13-45T00:00:00Z"', '"west"')), 'unreadable | recorded_at is "2026-13-45T00:00:00Z", lon is "west": that cannot be read.');
select is(pg_temp.said(pg_temp.at('"2026-11-23T11:00:00Z"', '1e999')), 'unreadable | lon is 1e999: that cannot be read.');
select is(pg_temp.said(pg_temp.at('"\u0000"')), 'unreadable | It holds the character \u0000, which no text can.');
select is(pg_temp.said(pg_temp.at('"2026-11-23T11:00:00Z"')), 'It can be stored now.');
update core.journeys set ended_at = null;
select throws_like('select core.explain_point(0)', 'point:0 is not in the quarantine');

-- A day that is kept and has no partition, and one that is older.
create temporary table odd as select pg_temp.at('"2026-11-22T11:00:00Z"') as id;
update core.point_quarantine set point = json_build_object('recorded_at', now() - interval '3 days', 'lon', -77.03, 'lat', 38.9), received_at = now()
where quarantine_id = (select id from odd);
select is((select pg_temp.said(id) from odd), 'It can be stored now.');
do $$ begin
    execute format('drop table %s', (
        select p.period from core.periods('core.journey_points') as p where p.lower_bound = date_trunc('day', now(), 'UTC') - interval '3 days'));
end $$;
select matches((select pg_temp.said(id) from odd), '^period \| Its day, [-\d]{10}, has no partition: `saferoute partitions maintain` makes it');
update partman.part_config set retention = '2 days'
where parent_table = 'core.journey_points';
select matches((select pg_temp.said(id) from odd), '^period \| Its day, [-\d]{10}, is older than what is kept \(2 days\)\.$');

-- Fixes.
create temporary table fixed as select pg_temp.quarantine('7') as id;
select throws_like(format($$select core.fix_point(%s, '{"longitude": "1"}')$$, id), 'a point has no longitude; it has recorded_at, lon, lat, %') from fixed;
select throws_like(format($$select core.fix_point(%s, '{"lon": "west"}')$$, id), '%cannot be read%') from fixed;
select throws_like($$select core.fix_point(0, '{"lon": "1"}')$$, 'point:0 is not in the quarantine');
select core.fix_point(id, '{"lon": "38.9", "lat": "-77.03"}') from fixed;
select core.fix_point(id, '{"recorded_at": "2026-11-23T11:00:00Z", "speed_mps": "1.5"}') from fixed;
select is(
    (select q.fixed::text from core.point_quarantine as q inner join fixed as f on q.quarantine_id = f.id),
    '{ "recorded_at" : "2026-11-23T11:00:00Z", "lon" : "38.9", "lat" : "-77.03", "speed_mps" : "1.5" }', 'fixes add up'
);
select core.fix_point(id, '{"speed_mps": null}') from fixed;
select unalike((select q.fixed::text from core.point_quarantine as q inner join fixed as f on q.quarantine_id = f.id), '%speed%', 'a value can be taken away');
select is((select q.point::text from core.point_quarantine as q inner join fixed as f on q.quarantine_id = f.id), '7', 'what came stays');
select matches((select pg_temp.said(id) from fixed), 'swapped', 'what is explained is the fix');
select is(core.swap_points('time'), 2::bigint, 'those that are plausible with their coordinates exchanged are exchanged');
select is((select pg_temp.said(id) from fixed), 'It can be stored now.', 'and can be stored');
select is(core.swap_points('time'), 0::bigint, 'once');

-- The constraint is of the form reason = any (array['far', ...]).
select set_eq(
    $$select m.name[1] from pg_catalog.pg_constraint as c, regexp_matches(pg_catalog.pg_get_constraintdef(c.oid), '''(\w+)''', 'g') as m (name)
      where c.conrelid = 'core.point_quarantine'::regclass and c.contype = 'c'$$,
    $$select reason from core.quarantine_reasons() where kind = 'point'$$, 'every reason is listed'
);

-- Whose rows these are is nobody's business.
set local role operator;
select results_eq(
    $$select kind, reason, waiting > 10, fixed from ops.quarantine$$, $$values ('point', 'time', true, 2::bigint)$$, 'an operator sees how many wait'
);
select throws_ok('select * from core.point_quarantine', '42501', null, 'and not what they are');
select throws_ok('select * from core.quarantined', '42501', null, 'nor whose');
select throws_ok('select core.explain_point(1)', '42501', null, 'nor where');
reset role;
set local role analyst;
select throws_ok('select * from ops.quarantine', '42501', null, 'an analyst sees nothing');
reset role;

select * from finish();
rollback;
