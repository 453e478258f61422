begin;
select plan(7);

insert into core.cities (name, time_zone, utm_srid, walkable_bounds)
values ('Test', 'America/New_York', 32618, st_makeenvelope(-77.1, 38.8, -77.0, 38.9, 4326));
create function pg_temp.cover(p_month text, p_lon float8, p_given geometry default null) returns void
language sql volatile
as $$
delete from core.crime_candidates;
insert into core.crime_candidates (source, action, published_at, occurred_at, time_precision, geom)
select
    'test', 'loaded', (p_month || '-01')::timestamp at time zone 'America/New_York', '1916-01-01', 'month',
    st_setsrid(st_makepoint(p_lon + x * 0.002, 38.85 + y * 0.002), 4326)
from generate_series(0, 4) as x, generate_series(0, 4) as y;
select core.cover_crimes(c, p_given, c.time_zone) from core.cities as c
$$;
create temporary view covered as
select
    concat_ws(' ', area_method, lower(covered_period) at time zone 'America/New_York', upper(covered_period) at time zone 'America/New_York') as how,
    st_area(area) as size,
    xmin::text || ctid::text as version,
    area
from core.crime_coverage;
create temporary table sizes as select * from covered;

select pg_temp.cover('2017-10', -77.08);
insert into sizes select * from covered;
select is((select how from covered), 'hull 2017-10-01 00:00:00 2017-11-01 00:00:00', 'a month reaches to the next, whenever its crimes began');
select pg_temp.cover('2017-10', -77.08);
select is((select version from covered), (select version from sizes), 'the same again changes nothing');
select pg_temp.cover('2017-12', -77.04);
select is((select how from covered), 'hull 2017-10-01 00:00:00 2018-01-01 00:00:00', 'periods are joined');
select cmp_ok((select size from covered), '>', (select 1.9 * size from sizes), 'and so are areas');

select pg_temp.cover('2017-11', -77.08, st_multi(st_makeenvelope(-77.1, 38.8, -77.0, 38.9, 4326)));
select is((select how || ' ' || round(size::numeric, 2) from covered), 'given 2017-10-01 00:00:00 2018-01-01 00:00:00 0.01', 'a given area replaces a hull');
truncate sizes;
insert into sizes select * from covered;
select pg_temp.cover('2017-11', -77.2);
select is((select version from covered), (select version from sizes), 'and no hull replaces it');
select pg_temp.cover('2017-11', -77.2, st_multi(st_makeenvelope(-77.1, 38.8, -77.05, 38.9, 4326)));
select is((select round(size::numeric, 3) from covered), 0.005, 'another given area does');

select * from finish();
rollback;
