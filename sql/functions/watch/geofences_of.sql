create or replace function core.geofences_of(p_watch core.watches) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select coalesce(json_agg(json_build_object(
    'geofence_id', g.geofence_id,
    'kind', g.kind,
    'name', g.name,
    'area', st_asgeojson(g.area, 6)::json,
    'min_risk', g.min_risk,
    'is_inside', g.is_inside,
    'crossed_at', g.crossed_at
) order by g.added_at, g.geofence_id), '[]')
from core.geofences as g
where g.journey_id = p_watch.journey_id
$$;

comment on function core.geofences_of(core.watches) is 'The areas of a watched walk as its walker sees them, in the order in which they were added.';
revoke all on function core.geofences_of(core.watches) from public;
grant execute on function core.geofences_of(core.watches) to saferoute_api;
