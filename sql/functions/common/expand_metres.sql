create or replace function core.expand_metres(p_geom geometry, p_metres float8) returns geometry
language sql immutable strict parallel safe security invoker
as $$
select public.st_expand(
    p_geom,
    p_metres / (111000 * greatest(0.01, cos(radians(least(
        89, greatest(abs(public.st_ymin(p_geom)), abs(public.st_ymax(p_geom))) + p_metres / 111000))))),
    p_metres / 110500)
$$;

comment on function core.expand_metres(geometry, float8) is
'The box of p_geom (EPSG:4326) grown by p_metres on each side: holds the geodesic buffer, away from the poles. Inlined, so it has no search_path of its own.';
revoke all on function core.expand_metres(geometry, float8) from public;
grant execute on function core.expand_metres(geometry, float8) to saferoute_api;
