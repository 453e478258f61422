create or replace function api.watch_journey(
    journey_id uuid,
    expected_at timestamptz default null,
    check_in_every interval default null,
    silence_after interval default '10 minutes',
    route text default null,
    deviation_m real default 100,
    battery_floor real default 15,
    grace interval default '5 minutes',
    starts_at timestamptz default null
) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.watch_journey(
    core.require_user(), journey_id, starts_at, expected_at, check_in_every, silence_after, grace, battery_floor, route,
    deviation_m, clock_timestamp()
)
$$;

comment on function api.watch_journey(
    uuid, timestamptz, interval, interval, text, real, real, interval, timestamptz
) is
'Have a walk watched, from now or from starts_at on: expected_at, when you mean to have arrived; check_in_every, how often you say that all is well; silence_after, how long without a position; route, the planned way (GeoJSON or encoded polyline), and deviation_m beside it; battery_floor in per cent. What is null is not watched. Where something is not as planned you are told, after grace again, and after grace once more your contacts are. Call it again to change it: what is left out goes back to its default. The same again changes nothing.';
alter function api.watch_journey(
    uuid, timestamptz, interval, interval, text, real, real, interval, timestamptz
) owner to saferoute_api;
revoke all on function api.watch_journey(
    uuid, timestamptz, interval, interval, text, real, real, interval, timestamptz
) from public;
grant execute on function api.watch_journey(
    uuid, timestamptz, interval, interval, text, real, real, interval, timestamptz
) to authenticated;
