-- The crimes behind a risky stretch.
begin;
select plan(3);

select tests.add_streets();
insert into core.crime_categories (category, severity, offence_class, is_street_violence)
values ('mugging', 7, 'robbery', true), ('pilfering', 1, 'property', false);
select core.make_period('core.crime_data', '2019-11-01 UTC');
select core.make_period('core.crime_data', '2018-11-01 UTC');
insert into core.crime_data (
    source, source_id, occurred_at, cell, time_precision, category, published_category, geom
)
select
    'here',
    c.id,
    c.at,
    st_geohash(c.geom, 5),
    'exact',
    c.category,
    'as published',
    c.geom
from (
    values
    ('1', '2019-11-05 UTC'::timestamptz, 'mugging', tests.town_point(300, 70)),
    ('2', '2019-11-06 UTC', 'mugging', tests.town_point(330, -70)),
    ('3', '2019-11-06 UTC', 'pilfering', tests.town_point(210, 0)),
    ('far', '2019-11-06 UTC', 'mugging', tests.town_point(300, 80)),
    ('old', '2018-11-06 UTC', 'mugging', tests.town_point(300, 0))
) as c (id, at, category, geom);

create function pg_temp.count_along(p_x1 float8, p_x2 float8) returns text
language sql stable
as $$
select i.counts::text
from core.incidents_along(
    32629, array[st_makeline(tests.town_point(p_x1, 0), tests.town_point(p_x2, 0))],
    '[2018-01-01 UTC, 2020-01-01 UTC)') as i
$$;

select is(
    pg_temp.count_along(200, 400), '{ "robbery" : 2, "property" : 1 }',
    'by class, most first, within 75 m, of the last year of the data'
);
select is(pg_temp.count_along(500, 600), null, 'none here');

insert into core.crime_coverage (source, city_id, area, area_method, covered_period)
select
    'here',
    city_id,
    st_multi(walkable_bounds),
    'given',
    '[2018-01-01 UTC, 2020-01-01 UTC)'
from core.cities;
select is(
    tests.routes(0, 0, 600, 0) #> '{features,0,properties,risky_stretches,0,incidents}',
    '{"robbery": 2, "property": 1}'::jsonb, 'as safe_routes tells them'
);

select * from finish();
rollback;
