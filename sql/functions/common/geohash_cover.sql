create or replace function core.geohash_cover(
    p_geom geometry, p_precision integer default 5, p_max_cells integer default 256
) returns text[]
language plpgsql immutable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_width float8 := 360.0 / 2 ^ ((p_precision * 5 + 1) / 2);
    v_height float8 := 180.0 / 2 ^ (p_precision * 5 / 2);
    v_columns integer := (2 ^ ((p_precision * 5 + 1) / 2))::integer;
    v_rows integer := (2 ^ (p_precision * 5 / 2))::integer;
    v_west integer := greatest(0, least(v_columns - 1, floor((st_xmin(p_geom) + 180) / v_width)::integer));
    v_east integer := greatest(0, least(v_columns - 1, floor((st_xmax(p_geom) + 180) / v_width)::integer));
    v_south integer := greatest(0, least(v_rows - 1, floor((st_ymin(p_geom) + 90) / v_height)::integer));
    v_north integer := greatest(0, least(v_rows - 1, floor((st_ymax(p_geom) + 90) / v_height)::integer));
begin
    if (v_east - v_west + 1)::bigint * (v_north - v_south + 1) > p_max_cells then
        return null;
    end if;
    return (
        select array_agg(c.cell order by c.cell collate "C")
        from generate_series(v_west, v_east) as i
        cross join generate_series(v_south, v_north) as j
        cross join lateral st_geohash(
            st_setsrid(st_makepoint(-180 + (i + 0.5) * v_width, -90 + (j + 0.5) * v_height), 4326), p_precision
        ) as c (cell)
        where (v_west = v_east and v_south = v_north)
            or st_intersects(p_geom, st_makeenvelope(
                -180 + i * v_width, -90 + j * v_height,
                -180 + (i + 1) * v_width, -90 + (j + 1) * v_height, 4326))
    );
end
$$;

comment on function core.geohash_cover(geometry, integer, integer) is
'The geohash cells of p_precision characters that touch p_geom (EPSG:4326), sorted; null where its box spans more than p_max_cells, and the caller then searches without pruning by cell.';
revoke all on function core.geohash_cover(geometry, integer, integer) from public;
grant execute on function core.geohash_cover(geometry, integer, integer) to saferoute_api;
