create or replace function core.route_safety(p_route text, p_at timestamptz) returns json
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_line constant geometry := core.read_route(p_route);
    v_city core.cities;
    v_period tstzrange;
    v_answer json;
begin
    perform core.check_time(p_at);
    v_city := core.city_at(st_startpoint(v_line));
    v_period := core.city_data_period(v_city.city_id);
    select json_build_object(
        'score', case when max(s.known_share) > 0
            then round((100 * (1 - sum(s.risk * (s.to_m - s.from_m)) / max(s.to_m)))::numeric) end,
        'risk', round((sum(s.risk * (s.to_m - s.from_m)) / max(s.to_m))::numeric, 4),
        'exposure', round(sum(s.risk * (s.to_m - s.from_m))::numeric, 1),
        'covered_share', round((sum(s.known_share * (s.to_m - s.from_m)) / max(s.to_m))::numeric, 4),
        'length_m', round(max(s.to_m)::numeric, 1),
        'city', v_city.name,
        'local_time', to_char(p_at at time zone v_city.time_zone, 'YYYY-MM-DD"T"HH24:MI'),
        'data_from', lower(v_period),
        'data_until', upper(v_period),
        'method', 'score = 100 * (1 - risk); risk of the nearest street every 25 m, weighed by length',
        'segments', json_agg(json_build_object(
            'from_m', round(s.from_m::numeric, 1),
            'to_m', round(s.to_m::numeric, 1),
            'risk', round(s.risk::numeric, 4),
            'covered_share', round(s.known_share::numeric, 2),
            'geometry', st_asgeojson(s.geom, 6)::json) order by s.segment))
    into v_answer
    from core.risk_along(v_city, v_line, p_at) as s;
    return v_answer;
end
$$;

comment on function core.route_safety(text, timestamptz) is
'The answer of api.route_safety for a route given as GeoJSON or as an encoded polyline.';
revoke all on function core.route_safety(text, timestamptz) from public;
grant execute on function core.route_safety(text, timestamptz) to saferoute_api, saferoute_tasks;
