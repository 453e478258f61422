create or replace function api.record_points(journey_id uuid, points json) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.record_points(core.require_user(), journey_id, points)
$$;

comment on function api.record_points(uuid, json) is
'Store up to 5,000 positions of a journey: objects with recorded_at, lon, lat and, if known, speed_mps, accuracy_m, battery_pct. Answers accepted, duplicates, and quarantined with index and reason.';
alter function api.record_points(uuid, json) owner to saferoute_api;
revoke all on function api.record_points(uuid, json) from public;
grant execute on function api.record_points(uuid, json) to authenticated;
