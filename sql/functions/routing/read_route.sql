create or replace function core.read_route(p_route text) returns geometry
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_line geometry;
begin
    -- No polyline holds a quotation mark, and no GeoJSON is without one.
    v_line := case when p_route like '%"%' then core.geojson_line(p_route) else core.polyline_route(p_route) end;
    if coalesce(st_npoints(v_line), 0) > 5000 then
        perform core.fail('SR017', format('%s positions', st_npoints(v_line)));
    end if;
    if coalesce(st_length(v_line), 0) = 0 then
        perform core.fail('SR016', 'it has no length');
    end if;
    if st_length(v_line::geography) > 100000 then
        perform core.fail('SR018', format('route: %s km long, at most 100', round(st_length(v_line::geography) / 1000)));
    end if;
    return v_line;
end
$$;

comment on function core.read_route(text) is
'The line (EPSG:4326) of a route given as GeoJSON or as an encoded polyline: at most 5,000 positions and 100 km.';
revoke all on function core.read_route(text) from public;
grant execute on function core.read_route(text) to saferoute_api, saferoute_tasks;
