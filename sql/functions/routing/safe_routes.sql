create or replace function core.safe_routes(
    p_from geometry, p_to geometry, p_depart_at timestamptz, p_aversions float8[]
) returns json
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_city core.cities;
    v_from record;
    v_to record;
    v_routes core.route[];
    v_shortest core.route;
    v_period tstzrange;
    v_notice text;
begin
    perform core.check_trip(p_from, p_to, p_depart_at, p_aversions);
    v_city := core.city_at(p_from);
    if (core.city_at(p_to)).city_id <> v_city.city_id then
        perform core.fail('SR012');
    end if;
    v_from := core.snap_position(v_city, p_from);
    v_to := core.snap_position(v_city, p_to);
    v_routes := array(select r from core.find_routes(
        v_city.city_id, v_from.edge_id, v_from.fraction, v_to.edge_id, v_to.fraction, p_depart_at, p_aversions) as r);
    if v_routes = '{}' then
        perform core.fail('SR012');
    end if;
    if not exists (select from unnest(v_routes) as r cross join lateral unnest(r.legs) as l where l.is_known) then
        v_notice := 'No source of crime data covers this walk: its risk is unknown, so only the shortest is offered.';
        v_routes := array(select r from core.find_routes(
            v_city.city_id, v_from.edge_id, v_from.fraction, v_to.edge_id, v_to.fraction, p_depart_at, '{0}') as r);
    end if;
    if v_routes[1].aversions[1] = 0 then
        v_shortest := v_routes[1];
    end if;
    v_period := core.city_data_period(v_city.city_id);
    return json_build_object(
        'type', 'FeatureCollection',
        'city', v_city.name,
        'time_zone', v_city.time_zone,
        'local_time', to_char(p_depart_at at time zone v_city.time_zone, 'YYYY-MM-DD"T"HH24:MI'),
        'weekday', to_char(p_depart_at at time zone v_city.time_zone, 'FMDay'),
        'hour', extract(hour from p_depart_at at time zone v_city.time_zone),
        'data_from', lower(v_period),
        'data_until', upper(v_period),
        'walking_speed_mps', core.walking_speed(),
        'notice', v_notice,
        'features', (
            select json_agg(core.route_feature(v_city, r, v_shortest, v_period) order by r.aversions[1])
            from unnest(v_routes) as r));
end
$$;

comment on function core.safe_routes(geometry, geometry, timestamptz, float8[]) is
'The walks of api.safe_routes between two points (EPSG:4326), as a GeoJSON FeatureCollection.';
revoke all on function core.safe_routes(geometry, geometry, timestamptz, float8[]) from public;
grant execute on function core.safe_routes(geometry, geometry, timestamptz, float8[]) to saferoute_api;
