create or replace function core.geohash_neighbours(p_hash text) returns text[]
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_box geometry := core.geohash_box(p_hash);
    v_centre geometry := st_centroid(v_box);
    v_width float8 := st_xmax(v_box) - st_xmin(v_box);
    v_height float8 := st_ymax(v_box) - st_ymin(v_box);
begin
    return (
        select array_agg(
            case
                when abs(c.lat) < 90
                    then core.geohash(c.lon - 360 * floor((c.lon + 180) / 360), c.lat, length(p_hash))
            end
            order by d.nth
        )
        from unnest('{0,1,1,1,0,-1,-1,-1}'::integer[], '{1,1,0,-1,-1,-1,0,1}'::integer[])
        with ordinality as d (east, north, nth)
        cross join lateral (
            select st_x(v_centre) + d.east * v_width as lon, st_y(v_centre) + d.north * v_height as lat
        ) as c
    );
end
$$;

comment on function core.geohash_neighbours(text) is
'The eight cells around a geohash: n, ne, e, se, s, sw, w, nw. East and west go on over the date line; null beyond a pole.';
revoke all on function core.geohash_neighbours(text) from public;
grant execute on function core.geohash_neighbours(text) to saferoute_api;
