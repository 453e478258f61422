create or replace function core.geohash(p_lon float8, p_lat float8, p_length integer default 5) returns text
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    if p_length not between 1 and 12 then
        perform core.fail('SR018', format('a geohash has 1 to 12 characters, not %s', p_length));
    end if;
    return st_geohash(core.position(p_lon, p_lat), p_length);
end
$$;

comment on function core.geohash(float8, float8, integer) is
'The geohash cell of p_length characters that holds the position (degrees); SR010 where it is off the Earth. Set-based code whose positions are checked calls ST_GeoHash itself.';
revoke all on function core.geohash(float8, float8, integer) from public;
grant execute on function core.geohash(float8, float8, integer) to saferoute_api;
