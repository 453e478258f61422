create or replace function core.area_of(p_geojson text) returns geometry
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_rings json;
    v_ring geometry;
begin
    v_rings := case when p_geojson::json ->> 'type' = 'Polygon' then p_geojson::json -> 'coordinates' end;
    if json_array_length(v_rings) = 1 then
        v_ring := core.geojson_line(json_build_object('type', 'LineString', 'coordinates', v_rings -> 0)::text);
    end if;
    if not coalesce(st_npoints(v_ring) between 4 and 500 and st_isclosed(v_ring) and st_issimple(v_ring), false) then
        perform core.fail('SR018', 'area is not a GeoJSON Polygon of one ring that does not cross itself, of 4 to 500 positions');
    end if;
    return st_makepolygon(v_ring);
exception
    when data_exception or statement_too_complex or sqlstate 'SR016' or sqlstate 'SR017' then
        perform core.fail('SR018', 'area is not a GeoJSON Polygon: ' || sqlerrm);
end
$$;

comment on function core.area_of(text) is
'The area (EPSG:4326) of a GeoJSON Polygon without holes; SR018 or SR010 where it is none.';
revoke all on function core.area_of(text) from public;
grant execute on function core.area_of(text) to saferoute_api;
