create or replace function core.snap_position(
    p_city core.cities,
    p_position geometry,
    out edge_id bigint,
    out fraction float8,
    out distance_m float8
)
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = 'force_custom_plan'
as $$
declare
    v_reach_m constant float8 := 300;
    v_at constant geometry := st_transform(p_position, p_city.utm_srid);
    v_point constant point := v_at::point;
    -- A cursor, since the planner counts on reading only its beginning: it walks the index outwards from the position.
    v_nearest_first cursor for
        select l.edge_id, l.bounds <-> v_point as box_distance_m
        from core.road_links as l
        where l.city_id = p_city.city_id
        order by l.bounds <-> v_point;
    v_line geometry;
begin
    -- The box of an edge is never farther than the edge: once boxes are farther than the nearest edge, it is final. Lines
    -- are looked up one by one, for a handful of links: with a join hundreds were transformed, in 8 ms.
    for v_near in v_nearest_first loop
        exit when v_near.box_distance_m >= coalesce(distance_m, v_reach_m);
        select st_transform(e.geom, p_city.utm_srid) into strict v_line
        from core.road_edges as e
        where e.edge_id = v_near.edge_id;
        if st_distance(v_line, v_at) < coalesce(distance_m, v_reach_m) then
            edge_id := v_near.edge_id;
            fraction := st_linelocatepoint(v_line, v_at);
            distance_m := st_distance(v_line, v_at);
        end if;
    end loop;
    if edge_id is null then
        perform core.fail('SR011', st_astext(p_position));
    end if;
end
$$;

comment on function core.snap_position(core.cities, geometry) is
'Where a walk from p_position (EPSG:4326) begins: the nearest point along the nearest edge of the largest component, as the fraction of the edge from its source; SR011 beyond 300 m.';
revoke all on function core.snap_position(core.cities, geometry) from public;
grant execute on function core.snap_position(core.cities, geometry) to saferoute_api, saferoute_tasks;
