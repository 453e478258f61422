create or replace function core.route_feature(
    p_city core.cities, p_route core.route, p_shortest core.route, p_period tstzrange
) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select json_build_object(
    'type', 'Feature',
    'geometry', core.legs_geometry(p_route.legs),
    'properties', json_build_object(
        'label', core.route_label(p_route),
        'aversion', p_route.aversions[1],
        'aversions', p_route.aversions,
        'length_m', round(p_route.length_m::numeric, 1),
        'duration_s', round((p_route.length_m / core.walking_speed())::numeric),
        'exposure', round(p_route.exposure_m::numeric, 1),
        'risk', round(coalesce(p_route.exposure_m / nullif(p_route.length_m, 0), p_route.legs[1].risk)::numeric, 4),
        'length_diff_m', round((p_route.length_m - p_shortest.length_m)::numeric, 1),
        'exposure_diff', round((p_route.exposure_m - p_shortest.exposure_m)::numeric, 1),
        'proven_optimal', p_route.proven_optimal,
        'covered_share', round(coalesce(
            p_route.known_m / nullif(p_route.length_m, 0), p_route.legs[1].is_known::integer)::numeric, 4),
        'method', 'least sum of length * (1 + aversion * risk), pgRouting Dijkstra in a certified corridor',
        'steps', core.route_steps(p_route.legs),
        'risky_stretches', core.risky_stretches(p_city, p_route.legs, p_period)))
$$;

comment on function core.route_feature(core.cities, core.route, core.route, tstzrange) is
'The GeoJSON feature of a route; its differences are to p_shortest, and null where that is null. p_period is what the crime data covers.';
revoke all on function core.route_feature(core.cities, core.route, core.route, tstzrange) from public;
grant execute on function core.route_feature(core.cities, core.route, core.route, tstzrange) to saferoute_api;
