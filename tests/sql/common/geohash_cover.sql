begin;
select plan(8);

select setseed(0.42);
create temporary table blobs as
select
    n,
    st_buffer(st_setsrid(st_makepoint(-179 + 358 * random(), -88 + 176 * random()), 4326), 0.01 + 0.2 * random(), 4) as geom
from generate_series(1, 100) as n;
insert into blobs values
(101, st_makeenvelope(179.9, -16.8, 180, -16.7, 4326)),
(102, st_makeenvelope(-180, -16.8, -179.9, -16.7, 4326)),
(103, st_makeenvelope(10, 89.95, 10.1, 90, 4326)),
(104, st_makeenvelope(10, -90, 10.1, -89.95, 4326)),
(105, core.geohash_box('u33db')),
(106, 'srid=4326;linestring(2.2 48.8,2.4 48.9)'::geometry);

select is_empty(
    $$
    select b.n, st_astext(p.geom) from blobs as b
    cross join lateral st_dumppoints(case when st_dimension(b.geom) = 2 then st_collect(b.geom, st_generatepoints(b.geom, 50, b.n)) else st_segmentize(b.geom, 0.001) end) as p
    where st_geohash(p.geom, 5) <> all(core.geohash_cover(b.geom))
    $$,
    'every point of a shape lies in a cell of its cover, at the date line and the poles too'
);
select is_empty(
    $$select b.n, u.cell from blobs as b, unnest(core.geohash_cover(b.geom)) as u (cell)
      where not st_intersects(b.geom, core.geohash_box(u.cell))$$,
    'every cell of a cover touches the shape'
);
select is_empty(
    $$select n from blobs where core.geohash_cover(geom)
      is distinct from array(select distinct u.cell collate "C" from unnest(core.geohash_cover(geom)) as u (cell) order by 1)$$,
    'a cover is sorted and names no cell twice'
);
select is(core.geohash_cover('srid=4326;point(-77.0365 38.8977)'), '{dqcjq}', 'a point has one cell');
select is(core.geohash_cover('srid=4326;point(180 90)'), '{zzzzz}', 'even at the corner of the world');
select is(core.geohash_cover(st_makeenvelope(-1, -1, 1, 1, 4326), 1), '{7,e,k,s}', 'any precision');
select is(core.geohash_cover(st_makeenvelope(-1, -1, 1, 1, 4326), 1, 3), null, 'none where there would be more than max_cells');
select is(core.geohash_cover(st_makeenvelope(-10, 40, 10, 50, 4326)), null, 'none for a continent');

select * from finish();
rollback;
