begin;
select plan(15);

insert into core.cities (name, time_zone, utm_srid, walkable_bounds)
values ('Test', 'UTC', 32618, st_makeenvelope(-77.1, 38.8, -77.0, 38.9, 4326));
insert into core.crime_categories values ('near test', 3, 'property', false);
insert into core.crime_coverage (source, city_id, area, area_method, covered_period)
select
    'test',
    city_id,
    st_multi(st_makeenvelope(-77.1, 38.8, -77.02, 38.9, 4326)),
    'given',
    '[2015-01-01 00:00+00, 2017-01-01 00:00+00)'
from core.cities
where name = 'Test';
select count(core.make_period('core.crime_data', m, '{dqcj}'))
from generate_series('2015-12-01 00:00+00'::timestamptz, '2016-12-01 00:00+00', '1 month') as m;
insert into core.crime_data (source, source_id, occurred_at, cell, time_precision, category, published_category, geom)
select
    'test',
    c.id,
    c.at,
    st_geohash(g.geom, 5),
    'exact',
    'near test',
    'x',
    g.geom
from (
    values
    ('here', '2016-06-01 00:00+00'::timestamptz, 0),
    ('100 m', '2016-01-01 00:00+00', 100),
    ('249 m', '2016-12-31 23:00+00', 249),
    ('251 m', '2016-06-01 00:00+00', 251),
    ('old', '2015-12-31 23:59+00', 0)
) as c (id, at, metres)
cross join lateral st_project('point(-77.05 38.85)'::geography, c.metres, radians(30)) as p
cross join lateral (select p::geometry as geom) as g;

-- 1,001 more at one place.
insert into core.crime_data (source, source_id, occurred_at, cell, time_precision, category, published_category, geom)
select
    'test',
    n,
    '2016-06-01 00:00+00',
    st_geohash(st_point(-77.01, 38.81), 5),
    'month',
    'near test',
    'x',
    st_point(-77.01, 38.81, 4326)
from generate_series(1, 1001) as n;

create function pg_temp.distances(p_answer json) returns numeric[] language sql as $$
select array_agg((f #>> '{properties,distance_m}')::numeric) from json_array_elements(p_answer -> 'features') as f
$$;
select tests.call_anonymously();

select is(
    pg_temp.distances(api.crimes_near(-77.05, 38.85)), '{0.0,100.0,249.0}',
    'within 250 m and the last 12 months that the data covers, nearest first'
);
select is(
    api.crimes_near(-77.05, 38.85)::jsonb - 'features',
    '{"type": "FeatureCollection", "city": "Test", "radius_m": 250, "since": "2016-01-01T00:00:00+00:00", "until": "2017-01-01T00:00:00+00:00",
      "data_from": "2015-01-01T00:00:00+00:00", "data_until": "2017-01-01T00:00:00+00:00", "is_covered": true, "is_complete": true}',
    'and it says so'
);
select is(
    (api.crimes_near(-77.05, 38.85) -> 'features' -> 0)::jsonb,
    '{"type": "Feature", "geometry": {"type": "Point", "coordinates": [-77.05, 38.85]}, "properties": {"distance_m": 0.0,
      "category": "near test", "offence_class": "property", "occurred_at": "2016-06-01T00:00:00+00:00", "time_precision": "exact"}}',
    'what, when and how near'
);
select is(pg_temp.distances(api.crimes_near(-77.05, 38.85, 252)), '{0.0,100.0,249.0,251.0}', 'a wider circle');
select is(
    pg_temp.distances(api.crimes_near(-77.05, 38.85, since => '2015-12-31T00:00:00Z', until => '2016-01-01T00:00:00Z')), '{0.0}',
    'the end of the time asked for is outside it'
);
select is(
    api.crimes_near(-77.05, 38.85, since => '2001-01-01T00:00:00Z', until => now()) ->> 'since', '2015-01-01T00:00:00+00:00',
    'no further back than the data'
);
select is(json_array_length(api.crimes_near(-77.01, 38.81) -> 'features'), 1000, 'at most 1,000');
select is(api.crimes_near(-77.01, 38.81) ->> 'is_complete', 'false', 'and it says that there are more');
select is(api.crimes_near(-77.01, 38.81) ->> 'is_covered', 'false', 'and that no source reports there');
select is((api.crimes_near(-77.09, 38.89) -> 'features')::text, '[]', 'a quiet place');
select throws_ok($$select api.crimes_near(-77.05, 38.85, 5001)$$, 'SR018', null, 'not beyond 5 km');
select throws_ok($$select api.crimes_near(-77.05, 38.85, 'NaN')$$, 'SR018', null, 'NaN is no radius');
select throws_ok(
    $$select api.crimes_near(-77.05, 38.85, since => '2016-02-01T00:00:00Z', until => '2016-01-01T00:00:00Z')$$, 'SR018', null, 'since comes first'
);
select throws_ok($$select api.crimes_near(38.85, -77.05)$$, 'SR014', null, 'longitude and latitude swapped');
select throws_ok($$select api.crimes_near('NaN', 38.85)$$, 'SR010', null, 'NaN is nowhere');

select * from finish();
rollback;
