create or replace function api.add_geofence(
    journey_id uuid,
    geofence_id uuid,
    kind text,
    name text default null,
    area text default null,
    lon float8 default null,
    lat float8 default null,
    radius_m float8 default null,
    min_risk real default null
) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.add_geofence(
    core.require_user(), journey_id, geofence_id, kind, name, area, lon, lat, radius_m, min_risk
)
$$;

comment on function api.add_geofence(
    uuid, uuid, text, text, text, float8, float8, float8, real
) is
'Add an area to a watched walk under an id the client makes: a GeoJSON Polygon, or a circle of radius_m around lon and lat. kind: arrive (you are told), leave or enter (a concern), or risk: any street of at least min_risk (0 to 1) at that hour. The same id again changes it.';
alter function api.add_geofence(
    uuid, uuid, text, text, text, float8, float8, float8, real
) owner to saferoute_api;
revoke all on function api.add_geofence(
    uuid, uuid, text, text, text, float8, float8, float8, real
) from public;
grant execute on function api.add_geofence(
    uuid, uuid, text, text, text, float8, float8, float8, real
) to authenticated;
