create or replace function api.remove_geofence(journey_id uuid, geofence_id uuid) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.remove_geofence(core.require_user(), journey_id, geofence_id)
$$;

comment on function api.remove_geofence(uuid, uuid) is
'Take an area off a watched walk; the areas that are left.';
alter function api.remove_geofence(uuid, uuid) owner to saferoute_api;
revoke all on function api.remove_geofence(uuid, uuid) from public;
grant execute on function api.remove_geofence(uuid, uuid) to authenticated;
