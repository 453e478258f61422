create or replace function core.storable_points(
    p_user_id uuid, p_journey_id uuid, p_points json, p_since timestamptz, p_until timestamptz, p_near box
) returns setof core.journey_points
language sql stable parallel safe security invoker
as $$
select
    p_journey_id,
    p.recorded_at,
    public.st_geohash(public.st_makepoint(p.lon, p.lat), 5),
    p_user_id,
    public.st_point(p.lon, p.lat, 4326),
    p.speed_mps,
    p.accuracy_m,
    p.battery_pct
from core.read_points(p_points) as p
where p.recorded_at >= p_since and p.recorded_at < p_until and point(p.lon, p.lat) <@ p_near
$$;

comment on function core.storable_points(uuid, uuid, json, timestamptz, timestamptz, box) is
'The points of a JSON array that lie in [p_since, p_until) and p_near (degrees), as rows of core.journey_points. Inlined, so it has no search_path of its own.';
revoke all on function core.storable_points(uuid, uuid, json, timestamptz, timestamptz, box) from public;
grant execute on function core.storable_points(uuid, uuid, json, timestamptz, timestamptz, box) to saferoute_api;
