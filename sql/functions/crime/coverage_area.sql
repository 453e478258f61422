create or replace function core.coverage_area(p_geojson json, p_city core.cities) returns geometry
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_area geometry;
begin
    select st_multi(st_collectionextract(st_makevalid(st_union(st_setsrid(st_geomfromgeojson(g.geometry), 4326))), 3)) into v_area
    from (
        select f -> 'geometry' as geometry from json_array_elements(p_geojson -> 'features') as f
        union all
        select coalesce(p_geojson -> 'geometry', p_geojson) where p_geojson -> 'features' is null
    ) as g
    where g.geometry ->> 'type' in ('Polygon', 'MultiPolygon');
    if v_area is null or st_isempty(v_area) then
        raise exception using errcode = 'invalid_parameter_value', message = 'the coverage holds no polygon';
    elsif not st_intersects(v_area, p_city.walkable_bounds) then
        raise exception using errcode = 'invalid_parameter_value', message = format('the coverage does not touch %s', p_city.name);
    end if;
    return v_area;
end
$$;

comment on function core.coverage_area(json, core.cities) is
'The polygons (EPSG:4326) of a GeoJSON geometry, Feature or FeatureCollection, as one valid multipolygon that touches the city.';
revoke all on function core.coverage_area(json, core.cities) from public;
