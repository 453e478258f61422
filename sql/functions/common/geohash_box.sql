create or replace function core.geohash_box(p_hash text) returns geometry
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    if p_hash !~ '^[0-9b-hjkmnp-z]{1,12}$' then
        perform core.fail('SR018', format('%L is not a geohash: 1 to 12 of 0-9 and b-z without i, l, o', left(p_hash, 40)));
    end if;
    return st_setsrid(st_geomfromgeohash(p_hash), 4326);
end
$$;

comment on function core.geohash_box(text) is
'The cell of a geohash as a box (polygon, EPSG:4326); its southern and western sides belong to it.';
revoke all on function core.geohash_box(text) from public;
grant execute on function core.geohash_box(text) to saferoute_api;
