-- Quarantined points find their way to their journey once they can be stored, as if they had never been set aside.
begin;
select plan(15);

create function pg_temp.record(p_points text) returns jsonb language sql as $$
select api.record_points('00000000-0000-7000-8000-000000000001', p_points::json)::jsonb
$$;
create function pg_temp.point(p_ago interval, p_lon text default '-77.03', p_lat text default '38.9') returns text language sql as $$
select format('{"recorded_at":%s,"lon":%s,"lat":%s}', to_json(now() - p_ago), p_lon, p_lat)
$$;
create function pg_temp.remove_period(p_days integer) returns void language plpgsql as $$
begin
    execute format('drop table %s', (
        select p.period from core.periods('core.journey_points') as p
        where p.lower_bound = date_trunc('day', now(), 'UTC') - make_interval(days => p_days)));
end
$$;
select pg_temp.remove_period(d) from unnest(array[5, 6, 20]) as d;

select tests.authenticate_as('00000000-0000-4000-8000-000000000001');
select api.start_journey('00000000-0000-7000-8000-000000000001', -77.03, 38.9, started_at => now() - interval '25 days');
select pg_temp.record(format(
    '[%s,%s,%s,%s,%s]', pg_temp.point('4 days'), pg_temp.point('20 days'), pg_temp.point('5 days', '-77.5'), pg_temp.point('6 days'),
    pg_temp.point('0', '38.9', '-77.03')
));
reset role;
-- Upkeep is late: the points have waited for three weeks.
update core.point_quarantine set received_at = now()
where reason = 'period';

select is(core.replay_points('period'), 0::bigint, 'nothing is replayed while the periods are missing');
select is((select count(*) from core.point_quarantine), 4::bigint, 'and nothing is lost');
select core.make_period('core.journey_points', now() - make_interval(days => d)) from unnest(array[5, 6]) as d;
select is(core.replay_points('period', 1), 1::bigint, 'no more are taken at once than asked for, past those that cannot be stored');
select is(core.replay_points('period'), 1::bigint, 'until none is left');
select is(core.replay_points('period'), 0::bigint, 'whose period exists');
select results_eq(
    'select reason, count(*) from core.point_quarantine group by 1 order by 1',
    $$values ('far', 1::bigint), ('period', 1)$$, 'the others stay'
);
select results_eq(
    $$select round(extract(epoch from now() - recorded_at) / 86400), round(st_x(geom)::numeric, 2), user_id::text
    from core.journey_points order by 1$$,
    $$values (4::numeric, -77.03, '00000000-0000-4000-8000-000000000001'), (5, -77.5, '00000000-0000-4000-8000-000000000001'),
    (6, -77.03, '00000000-0000-4000-8000-000000000001')$$,
    'each point is stored once, for its walker'
);
select tests.authenticate_as('00000000-0000-4000-8000-000000000001');
select is(
    json_array_length(api.journey_track('00000000-0000-7000-8000-000000000001') #> '{geometry,coordinates}'), 3,
    'the walker''s track has grown by its new days and cells'
);
reset role;

-- Sent again while it waited, and stored then.
select pg_temp.remove_period(5);
select tests.authenticate_as('00000000-0000-4000-8000-000000000001');
select pg_temp.record(format('[%s]', pg_temp.point('5 days', '-77.5')));
reset role;
select core.make_period('core.journey_points', now() - interval '5 days');
select tests.authenticate_as('00000000-0000-4000-8000-000000000001');
select is(pg_temp.record(format('[%s]', pg_temp.point('5 days', '-77.5'))) ->> 'accepted', '1', 'a point may be stored while it waits');
reset role;
select is(core.replay_points('period'), 1::bigint, 'then its replay is done already');
select is((
    select count(*) from core.journey_points
    where recorded_at = now() - interval '5 days'
), 1::bigint, 'and adds nothing');

-- A fix is what is stored; a time is held against the arrival, or a wrong clock would come true by waiting.
-- This row came before the quarantine noted times.
update core.point_quarantine set fixed = json_build_object('recorded_at', recorded_at, 'lon', -77.03, 'lat', 38.9), recorded_at = null
where reason = 'far';
select is(core.replay_points('far'), 1::bigint, 'a point that was fixed is stored');
select is((
    select round(st_x(geom)::numeric, 2) from core.journey_points
    where recorded_at = now()
), -77.03, 'as it was fixed');
select tests.authenticate_as('00000000-0000-4000-8000-000000000001');
select pg_temp.record(format('[%s]', pg_temp.point('-1 hour')));
reset role;
select is(core.replay_points('time'), 0::bigint, 'a point from the future stays');
update core.point_quarantine set
    received_at = now() - interval '2 hours', recorded_at = now() - interval '1 hour',
    point = pg_temp.point('1 hour')::json
where reason = 'time';
select is(core.replay_points('time'), 0::bigint, 'when that future has come, too');

select * from finish();
rollback;
