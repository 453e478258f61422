-- A walker has a walk watched, by the calls that apps make.
begin;
select plan(34);

create function pg_temp.walker() returns uuid language sql immutable as $$select '00000000-0000-4000-8000-000000000001'::uuid$$;
create function pg_temp.walk() returns uuid language sql immutable as $$select '00000000-0000-7000-8000-000000000001'::uuid$$;
create function pg_temp.published() returns text language sql stable as $$
select string_agg(concat_ws(' ', p ->> 'topic' = 'journey:' || pg_temp.walk(), p -> 'message' ->> 'state', p -> 'message' ->> 'reason'), ', ')
from json_array_elements(('[' || current_setting('response.publications') || ']')::json) as p
$$;
create function pg_temp.checked_in() returns json language plpgsql as $$
begin
    return api.check_in(pg_temp.walk());
end
$$;
create temporary table way as select '{"type":"LineString","coordinates":[[-77.03,38.9],[-77.02,38.91]]}'::text as route;
grant select on way to public;

select tests.authenticate_as(pg_temp.walker());
select api.start_journey(pg_temp.walk(), -77.03, 38.9);
select throws_ok($$select api.my_watch(pg_temp.walk())$$, 'SR094', null, 'a walk is not watched by itself');
select is(
    api.watch_journey(pg_temp.walk(), expected_at => now() + interval '30 minutes', route => (select w.route from way as w))::jsonb
    - array['state_since', 'starts_at', 'expected_at'],
    jsonb_build_object(
        'journey_id', pg_temp.walk(), 'state', 'active', 'reason', 'started', 'eta', null, 'check_in_every', null,
        'checked_in_at', null, 'next_check_in_at', null, 'silence_after', '00:10:00', 'heard_at', null, 'grace', '00:05:00',
        'route', (select w.route::jsonb from way as w), 'deviation_m', 100, 'is_off_route', false, 'battery_floor', 15,
        'battery_pct', null, 'is_battery_low', false, 'alert_id', null, 'ended_at', null
    ),
    'it is from now on, for silence, the way and the battery where nothing else is said'
);
select is(pg_temp.published(), 't planned watched, t active started', 'who watches is told');
select is(
    api.watch_journey(pg_temp.walk(), expected_at => now() + interval '30 minutes', route => (select w.route from way as w)) ->> 'state',
    'active', 'the same again'
);
select is(json_array_length(api.my_watch(pg_temp.walk()) -> 'events'), 2, 'changes nothing');
select is(
    api.watch_journey(pg_temp.walk(), check_in_every => '20 minutes', silence_after => null) ->> 'silence_after', null,
    'it can be changed'
);
select is(
    (api.my_watch(pg_temp.walk()) ->> 'next_check_in_at')::timestamptz, (api.my_watch(pg_temp.walk()) ->> 'starts_at')::timestamptz
    + interval '20 minutes', 'what is added is watched for'
);
select is(api.my_watch(pg_temp.walk()) ->> 'route', null, 'what is left out no more');
select is(json_array_length(api.my_watch(pg_temp.walk()) -> 'events'), 3, 'which is an event');
select
    is(
        (c.answer ->> 'next_check_in_at')::timestamptz, (c.answer ->> 'checked_in_at')::timestamptz + interval '20 minutes',
        'a check-in begins the time anew'
    )
from pg_temp.checked_in() as c (answer);
select is(
    (api.extend_watch(pg_temp.walk(), now() + interval '1 hour') ->> 'expected_at')::timestamptz, now() + interval '1 hour',
    'the arrival can be put off'
);

select throws_ok(format($$select api.watch_journey(pg_temp.walk(), %s)$$, a.argument), 'SR018', null, a.argument)
from unnest(array[
    $$now() - interval '1 minute'$$, $$now() + interval '25 hours'$$, $$check_in_every => '1 second'$$, $$silence_after => '2 days'$$,
    $$grace => null$$, $$grace => '-1 minute'$$, $$battery_floor => 101$$, $$battery_floor => 'NaN'$$
]) as a (argument);
select throws_ok(
    $$select api.watch_journey(pg_temp.walk(), route => w.route, deviation_m => 5) from way as w$$, 'SR018', null, 'no phone knows a way to 5 m'
);
select throws_ok($$select api.watch_journey(pg_temp.walk(), route => 'elsewhere')$$, 'SR016', null, 'a way is a line');
select throws_ok(
    $$select api.watch_journey(pg_temp.walk(), route => '{"type":"LineString","coordinates":[[13.4,52.5],[13.5,52.5]]}')$$, 'SR018', null,
    'near where the walk is'
);
select throws_ok($$select api.watch_journey('00000000-0000-7000-8000-000000000009')$$, 'SR002', null, 'and the walk their own');

select is(
    json_array_length(api.add_geofence(pg_temp.walk(), pg_temp.walk(), 'arrive', 'Home', lon => -77.02, lat => 38.91, radius_m => 80)), 1,
    'an area is added'
);
select is(
    json_array_length(api.add_geofence(pg_temp.walk(), pg_temp.walk(), 'leave', 'Home', lon => -77.02, lat => 38.91, radius_m => 90)), 1,
    'changed'
);
select is(api.remove_geofence(pg_temp.walk(), pg_temp.walk())::text, '[]', 'and taken away');
select throws_ok(format($$select api.add_geofence(pg_temp.walk(), pg_temp.walk(), %s)$$, a.arguments), a.code, null, a.arguments)
from (
    values
    ($$'home', lon => 1, lat => 1, radius_m => 80$$, 'SR018'),
    ($$'leave'$$, 'SR018'),
    ($$'leave', lon => 500, lat => 1, radius_m => 80$$, 'SR010'),
    ($$'leave', area => '{"type":"Polygon","coordinates":[[[0,0],[1,1],[0,1],[1,0],[0,0]]]}'$$, 'SR018'),
    ($$'leave', area => '{"type":"Polygon","coordinates":[[[0,0],[1,1],[0,1]]]}'$$, 'SR018'),
    ($$'leave', area => 'x'$$, 'SR018'),
    ($$'risk', min_risk => 'NaN'$$, 'SR018')
) as a (arguments, code);

select api.end_journey(pg_temp.walk());
select is(api.my_watch(pg_temp.walk()) ->> 'state', 'ended', 'the end of the walk is the end of the watch');
reset role;

select * from finish();
rollback;
