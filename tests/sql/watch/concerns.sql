-- What a watch sees: check-ins, silence, the way, areas, the battery, arriving. The clock is an argument.
begin;
select plan(52);

create function pg_temp.walker() returns uuid language sql immutable as $$select '00000000-0000-4000-8000-000000000001'::uuid$$;
create function pg_temp.walk(p_n integer default 1) returns uuid language sql immutable as $$
select ('00000000-0000-7000-8000-' || lpad(p_n::text, 12, '0'))::uuid
$$;
create function pg_temp.at(p_minutes float8) returns timestamptz language sql stable as $$
select date_trunc('second', now()) - interval '4 hours' + p_minutes * interval '1 minute'
$$;
create function pg_temp.sweep(p_minutes float8) returns text language plpgsql as $$
begin
    set local session authorization worker;
    while (tasks.sweep_journeys(pg_temp.at(p_minutes)) ->> 'is_more')::boolean loop null; end loop;
    while tasks.sound_alarm(pg_temp.at(p_minutes)) is not null loop null; end loop;
    reset session authorization;
    -- Of the newest walk.
    return (select concat_ws(' ', w.state, w.reason) from core.watches as w order by w.journey_id desc limit 1);
end
$$;
create function pg_temp.told() returns text language sql stable as $$
select i.event || ' ' || (i.message ->> 'reason') from core.inbox_entries as i order by i.sequence desc limit 1
$$;
-- A walk of 1 km to the east in Gridton, from (0, 0), where a minute is 80 m; watched for what is named.
create function pg_temp.watch(
    p_n integer, p_check_in interval default null, p_silence interval default null, p_deviation_m real default null, p_battery real default null
) returns void language plpgsql as $$
begin
    perform core.end_journey(pg_temp.walker(), j.journey_id, null) from core.journeys as j where j.ended_at is null;
    perform core.start_journey(
        pg_temp.walker(), pg_temp.walk(p_n), st_x(o), st_y(o), st_x(d), st_y(d), pg_temp.at(0)
    ) from tests.town_point(0, 0) as o, tests.town_point(1000, 0) as d;
    perform core.watch_journey(
        pg_temp.walker(), pg_temp.walk(p_n), pg_temp.at(0), null, p_check_in, p_silence, '5 minutes', p_battery,
        case when p_deviation_m is not null then st_asgeojson(st_makeline(tests.town_point(0, 0), tests.town_point(1000, 0))) end,
        p_deviation_m, pg_temp.at(0)
    );
end
$$;
-- The phone, at that minute, at (x, y) metres.
create function pg_temp.at_place(
    p_minutes float8, p_x float8, p_y float8 default 0, p_accuracy_m float8 default 5, p_battery float8 default null
) returns void language sql as $$
select core.record_points(pg_temp.walker(), w.journey_id, json_build_array(json_build_object(
    'recorded_at', pg_temp.at(p_minutes), 'lon', st_x(p), 'lat', st_y(p), 'accuracy_m', p_accuracy_m, 'battery_pct', p_battery
)))
from tests.town_point(p_x, p_y) as p, (select journey_id from core.watches order by journey_id desc limit 1) as w
$$;
create function pg_temp.check_in(p_minutes float8) returns void language sql as $$
select core.check_in(pg_temp.walker(), (select journey_id from core.watches order by journey_id desc limit 1), pg_temp.at(p_minutes))
$$;
select set_config('request.jwt.claims', json_build_object('role', 'authenticated', 'sub', pg_temp.walker())::text, true);

-- Check-ins every 20 minutes.
select pg_temp.watch(1, '20 minutes');
select is(pg_temp.sweep(17.9), 'active started', 'the time to a check-in is the walker''s');
select is((select count(*) from core.inbox_entries), 0::bigint, 'nobody disturbs them');
select is(pg_temp.sweep(18), 'active started', 'two minutes before it is due');
select is(pg_temp.told(), 'check_in_due check_in', 'they are reminded');
select is(pg_temp.sweep(19), 'active started', 'once');
select is((select count(*) from core.inbox_entries), 1::bigint, 'and not with every sweep');
select pg_temp.check_in(19.5);
select is(pg_temp.sweep(37.4), 'active started', 'a check-in begins the time anew');
select is(pg_temp.sweep(37.5), 'active started', 'with a reminder of its own');
select is((select count(*) from core.inbox_entries), 2::bigint, 'again two minutes before');
select is(pg_temp.sweep(39.5), 'late check_in', 'it is missed');
select pg_temp.check_in(40);
select is(pg_temp.sweep(40.1), 'active check_in', 'they check in late: all is well');
select is(pg_temp.sweep(60), 'late check_in', 'they miss the next');
select is(pg_temp.sweep(65), 'overdue check_in', 'do not react');
select is(pg_temp.sweep(70), 'alarm check_in', 'and an alert is raised');
select is((select array_agg(cause) from core.alerts), '{check_in}', 'that says why');

-- Silence.
select pg_temp.watch(2, p_silence => '10 minutes');
select pg_temp.at_place(3, 100);
select is(pg_temp.sweep(12.9), 'active started', 'silence counts from the last position');
select is(pg_temp.sweep(13), 'late silence', 'after ten minutes without one');
select pg_temp.at_place(14, 200);
select is(pg_temp.sweep(15), 'active cleared', 'a position ends it');
select is(pg_temp.sweep(24), 'late silence', 'again silent');
select is(pg_temp.sweep(29), 'overdue silence', 'and silent still');
select pg_temp.at_place(28, 300);
select is(pg_temp.sweep(34), 'active cleared', 'a position that was recorded in time and arrives before the alarm prevents it');
select is(pg_temp.sweep(38), 'late silence', 'silent from then on');
select pg_temp.sweep(43);
select is(pg_temp.sweep(48), 'alarm silence', 'an alert');
select is(
    (
        select st_distance(a.geom::geography, tests.town_point(300, 0)::geography) < 1 from core.alerts as a
        where a.cause = 'silence'
    ), true,
    'says where they were last'
);
select pg_temp.at_place(49, 350);
select is(pg_temp.sweep(50), 'alarm silence', 'being heard again does not take it back');

-- The way: 60 m beside it are still on it.
select pg_temp.watch(3, p_deviation_m => 60);
select pg_temp.at_place(1, 80, 55);
select pg_temp.at_place(1.8, 150, 300);
select pg_temp.at_place(2.4, 160, 300);
select pg_temp.at_place(2.5, 200, 300, 290);
select is(pg_temp.sweep(2.6), 'active started', 'two positions far off are bad positions');
select pg_temp.at_place(3, 240, 0);
select pg_temp.at_place(4, 320, 100, 45);
select pg_temp.at_place(5, 400, 100, 45);
select pg_temp.at_place(6, 480, 100, 45);
select is(pg_temp.sweep(6), 'active started', 'a phone that does not know better may be on the way');
select pg_temp.at_place(7, 560, 100);
select pg_temp.at_place(7.2, 570, 100);
select pg_temp.at_place(7.4, 580, 100);
select is(pg_temp.sweep(7.4), 'active started', 'a short step aside is none');
select pg_temp.at_place(7.9, 590, 100);
select is(pg_temp.sweep(7.9), 'late deviation', 'three positions and half a minute off are');
select is(pg_temp.told(), 'late deviation', 'the walker is told');
select pg_temp.at_place(8.2, 600, 55);
select is(pg_temp.sweep(8.2), 'late deviation', 'back just inside is not back');
select pg_temp.at_place(8.5, 600, 40);
select is(pg_temp.sweep(8.5), 'active cleared', 'well inside is');
select pg_temp.at_place(10, 600, 200);
select pg_temp.at_place(11, 600, 250);
select pg_temp.at_place(12, 600, 300);
select is(pg_temp.sweep(12), 'late deviation', 'they leave it again');
select pg_temp.check_in(13);
select pg_temp.at_place(14, 600, 400);
select is(pg_temp.sweep(30), 'active check_in', 'on purpose, they say, and are not asked again');
select pg_temp.at_place(31, 700, 0);
select pg_temp.at_place(32, 700, 200);
select pg_temp.at_place(33, 700, 250);
select pg_temp.at_place(34, 700, 300);
select is(pg_temp.sweep(34), 'late deviation', 'until they have been back');

-- Arriving: within 50 m for a minute.
select pg_temp.watch(4, p_deviation_m => 60);
select pg_temp.at_place(1, 80);
select pg_temp.at_place(2, 160);
select pg_temp.sweep(2);
select cmp_ok(
    (
        select abs(extract(epoch from w.eta - pg_temp.at(2)) - 840 / 1.33)
        from core.watches as w
        where w.journey_id = pg_temp.walk(4)
    ), '<', 5::numeric, 'the arrival is estimated from what is left of the way and the pace'
);
select pg_temp.at_place(11, 960);
select is(pg_temp.sweep(11), 'active started', 'near is not there');
select pg_temp.at_place(11.5, 1000);
select is(pg_temp.sweep(20), 'active started', 'one glance is not staying');
select pg_temp.at_place(12, 1010);
select is(pg_temp.sweep(21), 'ended arrived', 'a minute is');

-- Areas, and the battery.
select pg_temp.watch(5, p_battery => 15);
select core.add_geofence(pg_temp.walker(), pg_temp.walk(5), pg_temp.walk(1), 'arrive', 'Cafe', null, st_x(p), st_y(p), 50, null)
from tests.town_point(300, 0) as p;
select core.add_geofence(
    pg_temp.walker(), pg_temp.walk(5), pg_temp.walk(2), 'leave', 'Quarter',
    st_asgeojson(st_envelope(st_collect(tests.town_point(-100, -100), tests.town_point(700, 100)))), null, null, null, null
);
select core.add_geofence(pg_temp.walker(), pg_temp.walk(5), pg_temp.walk(3), 'enter', null, null, st_x(p), st_y(p), 50, null)
from tests.town_point(500, 0) as p;
select pg_temp.at_place(1, 0, 0, 5, 16);
select pg_temp.at_place(4, 300, 0, 5, 14);
select is(pg_temp.sweep(4), 'active started', 'the walker comes where they wanted to, with little charge');
select results_eq(
    $$select e.event, e.content ->> 'name' from core.journey_events as e
      where e.journey_id = pg_temp.walk(5) and e.event in ('geofence', 'battery_low') order by e.seq$$,
    $$values ('geofence', 'Cafe'), ('battery_low', null)$$, 'both are noted'
);
select pg_temp.at_place(6, 500);
select is(pg_temp.sweep(6), 'late geofence', 'they come where they did not want to');
select pg_temp.at_place(7, 600);
select is(pg_temp.sweep(7), 'active cleared', 'and go on');
select pg_temp.at_place(7.3, 500);
select pg_temp.sweep(7.3);
select pg_temp.check_in(7.4);
select is(pg_temp.sweep(7.5), 'active check_in', 'or say that they mean to be there');
select pg_temp.at_place(8, 710);
select is(pg_temp.sweep(8), 'active check_in', 'on the edge they have not left');
select pg_temp.at_place(9, 800);
select is(pg_temp.sweep(9), 'late geofence', 'then they leave the quarter');
select pg_temp.sweep(14);
select pg_temp.at_place(18, 800, 0, 5, 18);
select is(pg_temp.sweep(19), 'alarm geofence', 'without a word');

-- Streets of a risk.
select tests.add_streets();
select pg_temp.watch(6);
select core.add_geofence(pg_temp.walker(), pg_temp.walk(6), pg_temp.walk(1), 'risk', null, null, null, null, null, 0.5);
select pg_temp.at_place(1, 100);
select is(pg_temp.sweep(1), 'active started', 'a quiet street');
select pg_temp.at_place(3, 300);
select is(pg_temp.sweep(3), 'late geofence', 'a risky one');
select pg_temp.at_place(5, 30000);
select is(pg_temp.sweep(5), 'late geofence', 'where nothing is known they have not left it');

-- One walk must not stop the sweep of all: along the date line a phone may be anywhere.
select core.start_journey(pg_temp.walker(), pg_temp.walk(7), 179.9, 0, 179.95, 0, pg_temp.at(0));
select core.watch_journey(
    pg_temp.walker(), pg_temp.walk(7), pg_temp.at(0), null, null, '10 minutes', '5 minutes', 15, null, null, pg_temp.at(0)
);
select core.record_points(pg_temp.walker(), pg_temp.walk(7), json_build_array(json_build_object(
    'recorded_at', pg_temp.at(5), 'lon', 90, 'lat', 0, 'battery_pct', 50
)));
select is(pg_temp.sweep(6), 'active started', 'a position that cannot be computed with');
select is(pg_temp.sweep(15), 'late silence', 'only shows when the phone was heard');

select * from finish();
rollback;
