create or replace function core.encode_polyline(p_line geometry, p_precision integer default 5) returns text
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    if st_geometrytype(p_line) <> 'ST_LineString' or p_precision not in (5, 6) then
        perform core.fail('SR016', format('%s at precision %s', st_geometrytype(p_line), p_precision));
    end if;
    return st_asencodedpolyline(p_line, p_precision);
end
$$;

comment on function core.encode_polyline(geometry, integer) is
'A line (EPSG:4326) as an encoded polyline of 5 or 6 decimals.';
revoke all on function core.encode_polyline(geometry, integer) from public;
grant execute on function core.encode_polyline(geometry, integer) to saferoute_api;
