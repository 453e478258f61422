create or replace function core.lon_lat(p_x float8, p_y float8, p_srid integer) returns geometry
language plpgsql stable strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_position geometry := st_setsrid(st_makepoint(p_x, p_y), p_srid);
begin
    if p_srid <> 4326 then
        v_position := st_transform(v_position, 4326);
    end if;
    -- NaN sorts above every number, so the range test refuses it too.
    if st_x(v_position) between -180 and 180 and st_y(v_position) between -90 and 90 then
        return v_position;
    end if;
    return null;
exception
    when internal_error then -- how PostGIS reports a point that its projection cannot hold
        return null;
end
$$;

comment on function core.lon_lat(float8, float8, integer) is
'The point (EPSG:4326) at these coordinates of EPSG p_srid, in its own units; null where that is not on Earth.';
revoke all on function core.lon_lat(float8, float8, integer) from public;
