begin;
select plan(6);

insert into core.crime_categories values ('partition test', 1, 'other', false);
select core.make_period('core.crime_data', month) from (values ('1950-01-01 00:00+00'::timestamptz), ('1950-02-01 00:00+00')) as m (month);
insert into core.crime_data (source, source_id, occurred_at, cell, time_precision, category, published_category, geom)
values ('test', '1#1', '1950-01-02 00:00+00', 'dqcjr', 'exact', 'partition test', 'x', 'srid=4326;point(-77.03 38.9)');
insert into core.cities (name, time_zone, utm_srid, walkable_bounds)
values ('Washington', 'America/New_York', 32618, st_makeenvelope(-77.1065, 38.8802, -76.9743, 38.9759, 4326));

select cmp_ok(
    core.add_city_regions((
        select city_id from core.cities
        where name = 'Washington'
    )), '>', 1::bigint, 'a city adds regions'
);
select ok(
    (
        select bool_and(st_intersects(st_setsrid(st_geomfromgeohash(prefix), 4326), walkable_bounds)) and count(*) > 1
        from core.regions, core.cities
    ),
    'regions are the geohash-4 cells that touch the city'
);
select results_eq(
    'select lower_bound, prefixes from core.fill_plan()', $$values ('1950-01-01 00:00+00'::timestamptz, '{dqcj}'::text[])$$,
    'only the month with data there is to get a leaf'
);
select is_empty(
    $$select l.leaf from core.periods('core.crime_data') as p, core.leaves(p.period) as l where l.lower_cell is not null$$,
    'and none gets it in this transaction, which readers would wait for'
);
select is(
    core.add_city_regions((
        select city_id from core.cities
        where name = 'Washington'
    )), 0::bigint, 'again: nothing to do'
);
insert into core.cities (name, time_zone, utm_srid, walkable_bounds)
values ('Inside it', 'America/New_York', 32618, st_makeenvelope(-77.05, 38.90, -77.04, 38.91, 4326));
select core.add_city_regions((
    select city_id from core.cities
    where name = 'Inside it'
));
select is_empty(
    $$select a.prefix, b.prefix from core.regions as a, core.regions as b where a.prefix <> b.prefix and starts_with(a.prefix, b.prefix)$$,
    'no region contains another'
);

select * from finish();
rollback;
