create or replace function core.watch_summary(p_watch core.watches) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select json_build_object(
    'journey_id', p_watch.journey_id,
    'state', p_watch.state,
    'reason', p_watch.reason,
    'state_since', p_watch.state_since,
    'starts_at', p_watch.starts_at,
    'expected_at', p_watch.expected_at,
    'eta', p_watch.eta,
    'check_in_every', p_watch.check_in_every,
    'checked_in_at', p_watch.checked_in_at,
    'next_check_in_at', core.check_in_due_at(p_watch),
    'silence_after', p_watch.silence_after,
    'heard_at', p_watch.heard_at,
    'grace', p_watch.grace,
    'route', st_asgeojson(p_watch.route, 6)::json,
    'deviation_m', p_watch.deviation_m,
    'is_off_route', p_watch.strayed_at is not null or p_watch.is_straying_known,
    'battery_floor', p_watch.battery_floor,
    'battery_pct', p_watch.battery_pct,
    'is_battery_low', p_watch.is_battery_low,
    'alert_id', p_watch.alert_id,
    'ended_at', p_watch.ended_at
)
$$;

comment on function core.watch_summary(core.watches) is 'The watch of a walk as its walker sees it.';
revoke all on function core.watch_summary(core.watches) from public;
grant execute on function core.watch_summary(core.watches) to saferoute_api;
