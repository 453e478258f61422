create or replace function core.walk_map(p_city core.cities, p_path geometry, p_at timestamptz) returns json
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = 'force_custom_plan'
set jit = 'off'
as $$
declare
    v_around_m constant float8 := 150;
    v_srid constant integer := st_srid(p_path);
    v_line constant geometry := st_transform(p_path, 4326);
    v_frame constant geometry := st_expand(
        st_envelope(p_path), greatest(v_around_m, (st_xmax(p_path) - st_xmin(p_path) + st_ymax(p_path) - st_ymin(p_path)) / 20)
    );
    v_west constant float8 := st_xmin(v_frame);
    v_south constant float8 := st_ymin(v_frame);
    v_pieces json;
    v_streets json;
begin
    if p_city.city_id is not null and st_length(v_line::geography) between 1 and 100000 then
        select json_agg(json_build_object(
            'path', st_assvg(st_translate(st_transform(r.geom, v_srid), -v_west, -v_south), 1, 1),
            'length_m', r.to_m - r.from_m,
            'risk', round(r.risk::numeric, 4),
            'covered_share', round(r.known_share::numeric, 2)
        ) order by r.segment)
        into v_pieces
        from core.risk_along(p_city, v_line, p_at) as r;

        select json_object_agg(s.width, s.paths) into v_streets
        from (
            select e.width, string_agg(st_assvg(st_translate(st_transform(e.geom, v_srid), -v_west, -v_south), 1, 0), ' ') as paths
            from (
                select distinct on (e.edge_id)
                    st_simplify(e.geom, 0.00001) as geom,
                    case
                        when e.highway ~ '^(motorway|trunk|primary|secondary|tertiary)' then 'wide'
                        when e.highway in ('footway', 'path', 'steps', 'cycleway', 'track', 'bridleway', 'corridor') then 'narrow'
                        else 'middle'
                    end as width
                -- Near the walk, not in its frame: that of a long walk is a city.
                from st_dumpsegments(st_segmentize(st_simplify(p_path, 20, true), 500)) as d
                inner join core.road_edges as e on e.geom && st_transform(st_expand(d.geom, v_around_m), 4326)
                where e.city_id = p_city.city_id
                order by e.edge_id
                limit 20000
            ) as e
            group by e.width
        ) as s;
    end if;
    return json_build_object(
        'west', v_west,
        'south', v_south,
        'width_m', st_xmax(v_frame) - v_west,
        'height_m', st_ymax(v_frame) - v_south,
        'track', st_assvg(st_translate(p_path, -v_west, -v_south), 1, 1),
        'pieces', coalesce(v_pieces, '[]'),
        'streets', coalesce(v_streets, '{}')
    );
end
$$;

comment on function core.walk_map(core.cities, geometry, timestamptz) is
'What the map of a walk is drawn from, in metres of the UTM zone that p_path is in, as paths of SVG (y grows downwards from the south edge, so it is negative): the streets within 150 m by width, the track, and its pieces with their risk at p_at. No streets and no risk where the walk is in no imported city.';
revoke all on function core.walk_map(core.cities, geometry, timestamptz) from public;
grant execute on function core.walk_map(core.cities, geometry, timestamptz) to saferoute_tasks;
