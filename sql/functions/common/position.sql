create or replace function core.position(p_lon float8, p_lat float8) returns geometry
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    -- NaN sorts above every number, so the range test refuses it too.
    if not coalesce(p_lon between -180 and 180 and p_lat between -90 and 90, false) then
        perform core.fail('SR010', format('lon %s, lat %s', p_lon, p_lat));
    end if;
    return st_setsrid(st_makepoint(p_lon, p_lat), 4326);
end
$$;

comment on function core.position(float8, float8) is
'The point (EPSG:4326) at this longitude and latitude in degrees; SR010 where they are null, NaN or off the Earth.';
revoke all on function core.position(float8, float8) from public;
grant execute on function core.position(float8, float8) to saferoute_api, saferoute_tasks;
