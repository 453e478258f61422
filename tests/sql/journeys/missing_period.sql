-- What becomes of points whose day has no partition, and of the rest of their batch.
begin;
select plan(12);

create function pg_temp.record(p_points text) returns jsonb language sql as $$
select api.record_points('00000000-0000-7000-8000-000000000001', p_points::json)::jsonb
$$;
create function pg_temp.point(p_days integer, p_lon text default '-77.03') returns text language sql as $$
select format('{"recorded_at":%s,"lon":%s,"lat":38.9}', to_json(now() - make_interval(days => p_days)), p_lon)
$$;
-- Only owners do this: the period of so many days ago is gone.
create function pg_temp.remove_period(p_days integer) returns void language plpgsql as $$
begin
    execute format('drop table %s', (
        select p.period from core.periods('core.journey_points') as p
        where p.lower_bound = date_trunc('day', now(), 'UTC') - make_interval(days => p_days)));
end
$$;
select pg_temp.remove_period(d) from unnest(array[5, 6]) as d;

select tests.authenticate_as('00000000-0000-4000-8000-000000000001');
select api.start_journey('00000000-0000-7000-8000-000000000001', -77.03, 38.9, started_at => now() - interval '20 days');
select is(
    pg_temp.record(format('[%s,%s,%s]', pg_temp.point(4), pg_temp.point(5), pg_temp.point(7))),
    '{"accepted": 2, "duplicates": 0, "quarantined": [{"index": 1, "reason": "period"}]}',
    'a point without a period is set aside, the rest is stored'
);
select is(
    pg_temp.record(format('[%s,%s,%s]', pg_temp.point(4), pg_temp.point(5), pg_temp.point(7))),
    '{"accepted": 0, "duplicates": 2, "quarantined": [{"index": 1, "reason": "period"}]}',
    'a retry gets the same answer'
);
select is(
    pg_temp.record(format(
        '[%s,{"recorded_at":"2026-13-45T00:00:00Z"},7,%s,%s,%s]',
        pg_temp.point(5), pg_temp.point(3), pg_temp.point(6, '38.9'), pg_temp.point(40)
    )),
    '{"accepted": 1, "duplicates": 0, "quarantined": [{"index": 0, "reason": "period"}, {"index": 1, "reason": "unreadable"}, {"index": 2, "reason": "unreadable"}, {"index": 4, "reason": "far"}, {"index": 5, "reason": "time"}]}',
    'among all else that can be wrong'
);
select is(
    pg_temp.record(format('[%s,%s]', pg_temp.point(5), pg_temp.point(6))),
    '{"accepted": 0, "duplicates": 0, "quarantined": [{"index": 0, "reason": "period"}, {"index": 1, "reason": "period"}]}',
    'a batch of nothing else is no error'
);
reset role;
select is(
    (
        select count(*) from core.journey_points
    ), 3::bigint, 'every point is stored'
);
select results_eq(
    'select reason, count(*), count(recorded_at) from core.point_quarantine group by 1 order by 1',
    $$values ('far', 1::bigint, 1::bigint), ('period', 2, 2), ('time', 1, 1), ('unreadable', 2, 0)$$,
    'or set aside once, with its time where it has one'
);

-- A DBA keeps less than the 29 days in which points are accepted.
select pg_temp.remove_period(d) from generate_series(8, 31) as d
where exists (
    select from core.periods('core.journey_points') as p
    where p.lower_bound = date_trunc('day', now(), 'UTC') - make_interval(days => d)
);
select tests.authenticate_as('00000000-0000-4000-8000-000000000001');
select is(
    pg_temp.record(format('[%s]', pg_temp.point(20))) #>> '{quarantined,0,reason}', 'period', 'older than what is kept is no error either'
);
reset role;
select is((
    select count(*) from core.point_quarantine
    where reason = 'period'
), 3::bigint, 'nor forgotten');

-- No period at all.
select pg_temp.remove_period((extract(epoch from date_trunc('day', now(), 'UTC') - p.lower_bound) / 86400)::integer)
from core.periods('core.journey_points') as p;
select tests.authenticate_as('00000000-0000-4000-8000-000000000001');
select is(
    pg_temp.record(format('[%s]', pg_temp.point(0))) #>> '{quarantined,0,reason}', 'period', 'even where the table has no partition left'
);
reset role;

-- Any other check still stops the batch: it is an error of ours.
select core.make_period('core.journey_points', now());
select tests.authenticate_as('00000000-0000-4000-8000-000000000001');
select is(pg_temp.record(format('[%s]', pg_temp.point(0))) ->> 'accepted', '1', 'with its period the point is stored');
reset role;
alter table core.journey_points add check (st_x(geom) < 0);
select tests.authenticate_as('00000000-0000-4000-8000-000000000001');
select api.start_journey('00000000-0000-7000-8000-000000000002', 10, 50);
select throws_ok(
    format($$select api.record_points('00000000-0000-7000-8000-000000000002', '[{"recorded_at":%s,"lon":10,"lat":50}]')$$, to_json(now())),
    '23514', null, 'a check of a table is not taken for a missing period'
);
reset role;
select is_empty(
    $$select from core.point_quarantine where journey_id = '00000000-0000-7000-8000-000000000002'$$, 'and nothing is set aside for it'
);

select * from finish();
rollback;
