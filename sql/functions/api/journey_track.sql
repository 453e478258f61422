create or replace function api.journey_track(journey_id uuid) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.journey_track(core.require_user(), journey_id)
$$;

comment on function api.journey_track(uuid) is
'The walked line of a journey as a GeoJSON Feature with measured length and times.';
alter function api.journey_track(uuid) owner to saferoute_api;
revoke all on function api.journey_track(uuid) from public;
grant execute on function api.journey_track(uuid) to authenticated;
