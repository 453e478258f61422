begin;
select plan(7);

insert into core.cities (name, time_zone, utm_srid, walkable_bounds)
values ('Test', 'UTC', 32618, st_makeenvelope(-77.1, 38.8, -77.0, 38.9, 4326));
create function pg_temp.area(p_geojson json) returns text
language sql stable
as $$
select st_astext(st_normalize(core.coverage_area(p_geojson, c))) from core.cities as c
$$;

select is(
    pg_temp.area('{"type": "Polygon", "coordinates": [[[-77.1, 38.8], [-77, 38.8], [-77, 38.9], [-77.1, 38.8]]]}'),
    'MULTIPOLYGON(((-77.1 38.8,-77 38.9,-77 38.8,-77.1 38.8)))'
);
select is(
    pg_temp.area('{"type": "Feature", "properties": {}, "geometry": {"type": "MultiPolygon", "coordinates": [[[[-77.1, 38.8], [-77, 38.8], [-77, 38.9], [-77.1, 38.8]]]]}}'),
    'MULTIPOLYGON(((-77.1 38.8,-77 38.9,-77 38.8,-77.1 38.8)))'
);
select matches(
    pg_temp.area('{"type": "FeatureCollection", "features": [
        {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[[-77.1, 38.8], [-77, 38.8], [-77, 38.9], [-77.1, 38.8]]]}},
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [0, 0]}},
        {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[[-78.1, 38.8], [-78, 38.8], [-78, 38.9], [-78.1, 38.8]]]}}]}'),
    '^MULTIPOLYGON\(\(\([^()]*\)\),\(\([^()]*\)\)\)$', 'the polygons of a collection'
);
select is(
    (select st_isvalid(core.coverage_area('{"type": "Polygon", "coordinates": [[[-77.1, 38.8], [-77, 38.9], [-77, 38.8], [-77.1, 38.9], [-77.1, 38.8]]]}', c)) from core.cities as c),
    true, 'a bow tie is mended'
);
select throws_like(
    $$select pg_temp.area('{"type": "Point", "coordinates": [-77, 38.8]}')$$, 'the coverage holds no polygon'
);
select throws_like(
    $$select pg_temp.area('{"type": "Polygon", "coordinates": [[[38.8, -77.1], [38.8, -77], [38.9, -77], [38.8, -77.1]]]}')$$,
    'the coverage does not touch Test', 'swapped'
);
select throws_like($$select pg_temp.area('[1]')$$, '%');

select * from finish();
rollback;
