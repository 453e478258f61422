begin;
select plan(10);

insert into core.cities (name, time_zone, utm_srid, walkable_bounds)
values ('Test', 'America/New_York', 32618, st_makeenvelope(-77.1, 38.8, -77.0, 38.9, 4326));
create temporary table streets as
select
    c.city_id,
    c.city_id * 1000000000::bigint + s.n as edge_id,
    s.name,
    s.density,
    st_setsrid(s.geom::geometry, 4326) as geom
from core.cities as c
cross join (
    values
    (1, 'Known Street', 0.25::float8, 'linestring(-77.05 38.85,-77.04 38.85)'),
    (2, 'Unknown Street', null, 'linestring(-77.05 38.86,-77.04 38.86)')
) as s (n, name, density, geom)
where c.name = 'Test';
insert into core.road_edges (edge_id, city_id, osm_way_id, source, target, highway, name, walkable_direction, length_m, is_connected, geom)
select
    edge_id,
    city_id,
    1,
    1,
    2,
    'residential',
    name,
    0,
    867,
    true,
    geom
from streets;
insert into core.road_links (edge_id, city_id, source, target, walkable_direction, length_m, all_density, street_density, bounds, source_at, target_at)
select
    edge_id,
    city_id,
    1,
    2,
    0,
    867,
    density,
    0,
    box(
        point(st_xmin(u.geom), st_ymin(u.geom)), point(st_xmax(u.geom), st_ymax(u.geom))
    ),
    st_startpoint(u.geom)::point,
    st_endpoint(u.geom)::point
from streets cross join lateral (select st_transform(streets.geom, 32618) as geom) as u;
insert into core.risk_factors (city_id, week_hour, all_factors, street_factors, mean_risk)
select
    c.city_id,
    h.week_hour,
    array[2.0],
    array[1.0],
    0.1
from core.cities as c cross join core.week_hours() as h
where c.name = 'Test';
select tests.call_anonymously();

select is(
    api.risk_at(-77.045, 38.8501, '2017-06-01T02:00:00Z')::jsonb,
    '{"risk": 0.5, "is_known": true, "city_mean_risk": null, "street": "Known Street", "distance_m": 11.1, "city": "Test",
      "local_time": "2017-05-31T22:00", "data_from": null, "data_until": null}',
    'the risk of the nearest street'
);
select is(api.risk_at(-77.045, 38.86) ->> 'is_known', 'false', 'where no source reports, that is said');
select is(api.risk_at(-77.045, 38.86) ->> 'risk', null, 'and the risk is none, never 0');
select is(api.risk_at(-77.045, 38.858) ->> 'street', 'Unknown Street', 'nearest wins');
reset role;
insert into core.crime_coverage (source, city_id, area, area_method, covered_period)
select
    'test',
    city_id,
    st_multi(walkable_bounds),
    'given',
    '[2015-01-01 00:00+00, 2017-01-01 00:00+00)'
from core.cities
where name = 'Test';
select tests.call_anonymously();
select is(
    api.risk_at(-77.045, 38.86) ->> 'data_until', '2017-01-01T00:00:00+00:00', 'the period of the data is stated'
);
select is((api.risk_at(-77.045, 38.86) ->> 'city_mean_risk')::numeric, 0.1, 'and what the city has in the mean');
select throws_ok($$select api.risk_at(-77.045, 38.8545)$$, 'SR011', null, 'no street within 300 m');
select throws_ok($$select api.risk_at(38.85, -77.045)$$, 'SR014', null, 'longitude and latitude swapped');
select throws_ok($$select api.risk_at(-77.045, 'NaN')$$, 'SR010', null, 'NaN is nowhere');
select throws_ok($$select api.risk_at(-77.045, 38.85, '1970-01-01T00:00:00Z')$$, 'SR015', null, 'a time far outside');

select * from finish();
rollback;
