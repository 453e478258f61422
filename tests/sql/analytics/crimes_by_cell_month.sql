-- What an analyst sees, and what not.
begin;
select plan(23);

insert into core.cities (name, time_zone, utm_srid, walkable_bounds)
values
('Belfast', 'Europe/London', 32630, st_makeenvelope(-5.98, 54.57, -5.88, 54.62, 4326)),
('Washington', 'America/New_York', 32618, st_makeenvelope(-77.1, 38.8, -77.0, 38.9, 4326));
insert into core.crime_categories values ('test', 3, 'property', false), ('other test', 3, 'property', false);
insert into core.crime_coverage (source, city_id, area, area_method, covered_period)
select
    lower(name),
    city_id,
    st_multi(walkable_bounds),
    'given',
    '[2015-01-01 00:00+00, 2017-01-01 00:00+00)'
from core.cities
where name in ('Belfast', 'Washington');
-- In May 2016 there is no more than the period that a crime of June 2016 in Belfast needs.
select core.make_period('core.crime_data', m, '{dqcj,gcey}')
from unnest('{2016-01-01 00:00+00,2016-02-01 00:00+00,2016-05-01 00:00+00}'::timestamptz[]) as m;

create function pg_temp.add_crimes(
    p_count integer, p_source text, p_at timestamptz, p_lon float8, p_lat float8, p_category text default 'test'
) returns void
language sql as $$
insert into core.crime_data (source, source_id, occurred_at, cell, time_precision, category, published_category, geom)
select
    p_source, gen_random_uuid(), p_at, st_geohash(st_point(p_lon, p_lat), 5), 'exact', p_category, 'x',
    st_point(p_lon, p_lat, 4326)
from generate_series(1, p_count)
$$;
select pg_temp.add_crimes(5, 'washington', '2016-01-15 12:00+00', -77.01, 38.87);
select pg_temp.add_crimes(4, 'washington', '2016-01-15 12:00+00', -77.05, 38.91);
select pg_temp.add_crimes(4, 'washington', '2016-01-15 12:00+00', -77.01, 38.87, 'other test');
-- The evening of 31 January is the first of February for UTC.
select pg_temp.add_crimes(2, 'washington', '2016-02-01 04:59+00', -77.01, 38.87);
select pg_temp.add_crimes(6, 'washington', '2016-02-01 05:00+00', -77.01, 38.87);
-- "June 2016" of data.police.uk.
select pg_temp.add_crimes(7, 'belfast', '2016-05-31 23:00+00', -5.93, 54.6);
select pg_temp.add_crimes(8, 'of no city', '2016-05-31 23:00+00', 20.5, 44.8);

create function pg_temp.explained() returns setof text
language plpgsql as $$
begin
    return query execute
        $q$explain (analyze, verbose, timing off)
           select crimes from analytics.crimes_by_cell_month where month = '2016-01-01' and cell = 'dqcjq'$q$;
end
$$;

set local role analyst;
set local search_path = analytics, public; -- of the role, which only a login sets
select results_eq(
    $$select month, city, cell, category, crimes from crimes_by_cell_month order by month, cell$$,
    $$values ('2016-01-01'::date, 'Washington', 'dqcjp', 'test', 7::bigint),
             ('2016-02-01', 'Washington', 'dqcjp', 'test', 6),
             ('2016-05-01', null, 'srywf', 'test', 8),
             ('2016-06-01', 'Belfast', 'gcey9', 'test', 7)$$,
    'groups of five and more, by the calendar of their city'
);
select results_eq(
    $$select distinct month from crimes_by_cell_month where month between '2016-01-01' and '2016-02-28' order by 1$$,
    $$values ('2016-01-01'::date), ('2016-02-01')$$,
    'a month is found by its first day'
);
select is(
    (
        select st_astext(geom, 4) from crimes_by_cell_month
        where cell = 'dqcjp' and month = '2016-01-01'
    ),
    (select st_astext(st_setsrid(st_geomfromgeohash('dqcjp'), 4326), 4)),
    'with the cell as a rectangle'
);
select is(
    (
        select format('%s %s', type, srid) from geometry_columns
        where f_table_name = 'crimes_by_cell_month'
    ),
    'POLYGON 4326', 'which map programs find in geometry_columns'
);
select is(
    (select sum(crimes) from crimes_of_month('2016-01-31')), 7::numeric, 'one month can be asked for by any of its days'
);

-- Of a query on a table it tells how many rows each step has read.
select is_empty(
    $$select line from pg_temp.explained() as line where line ~ 'crime_data|Aggregate'$$,
    'EXPLAIN ANALYZE does not tell how large a group is that is left out'
);

-- The cannots.
select throws_ok($$select 1 from core.crime_data$$, '42501', null, 'no crime');
select throws_ok($$select 1 from core.journeys$$, '42501', null, 'no journey');
select throws_ok($$select 1 from core.journey_points$$, '42501', null, 'no position');
select throws_ok($$select 1 from core.point_quarantine$$, '42501', null, 'nor one that was set aside');
select throws_ok($$select 1 from core.cities$$, '42501', null, 'not even a city');
select throws_ok($$select core.geohash('point(0 0)')$$, '42501', null, 'no internal function');
select throws_ok($$select api.crimes_near(-77.01, 38.87)$$, '42501', null, 'nor one of the apps');
select throws_ok($$select 1 from ops.partition_periods$$, '42501', null, 'nor what is the DBA''s');
select throws_ok($$select 1 from partman.part_config$$, '42501', null, 'nor pg_partman''s');
select throws_ok($$insert into crimes_by_cell_month (month) values (now())$$, null, null, 'no row can be added');
select throws_ok($$delete from core.crime_data$$, '42501', null, 'or removed');
select throws_ok($$create table analytics.mine (n integer)$$, '42501', null, 'no table here');
select throws_ok($$create table public.mine (n integer)$$, '42501', null, 'nor there');
select throws_ok($$create function analytics.mine() returns integer language sql as 'select 1'$$, '42501', null, 'no function');
select throws_ok($$copy (select 1) to program 'cat'$$, '42501', null, 'no program of the machine');
reset role;

select set_eq(
    $$select n.nspname || '.' || c.relname
      from pg_class as c inner join pg_namespace as n on n.oid = c.relnamespace
      where n.nspname in ('api', 'auth', 'core', 'ops', 'analytics', 'partman') and c.relkind in ('r', 'p', 'v', 'm', 'S')
      and has_table_privilege('analyst', c.oid, 'select, insert, update, delete, truncate, references, trigger')$$,
    $$select 'analytics.crimes_by_cell_month'$$,
    'the one view is all that the role has any right on'
);
select is_empty(
    $$select a.attname from pg_attribute as a
      where a.attrelid = 'analytics.crimes_by_cell_month'::regclass and a.attnum > 0
      and col_description(a.attrelid, a.attnum) is null$$,
    'and each of its columns is explained'
);

select * from finish();
rollback;
