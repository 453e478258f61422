-- Staging to crime_data: the same rows again, corrections, and what a file does not cover.
begin;
select plan(15);

insert into core.cities (name, time_zone, utm_srid, walkable_bounds)
values ('Test', 'UTC', 32618, st_makeenvelope(-77.1, 38.8, -77.0, 38.9, 4326));
select core.add_city_regions(city_id) from core.cities;

create function pg_temp.import(p_rows text[], p_city text default 'Test') returns jsonb
language sql volatile
as $$
insert into core.crime_staging
select r.n + 1, string_to_array(r.written, ',') from unnest(p_rows) with ordinality as r (written, n);
select core.import_crimes(
    core.begin_crime_import(p_city), 'test', '{id,time,lon,lat,category}',
    '{"id": 1, "time": 2, "lon": 3, "lat": 4, "category": 5}', 4326, 'a file', md5(p_rows::text)
)
$$;
create function pg_temp.figures(p_summary jsonb) returns text
language sql stable
as $$
select concat_ws(' ', p_summary ->> 'loaded', p_summary ->> 'replaced', p_summary ->> 'unchanged', p_summary ->> 'removed')
$$;
create temporary view standing as
select
    d.source_id,
    to_char(d.occurred_at, 'YYYY-MM-DD') as day,
    d.cell,
    d.category
from core.crime_data as d
inner join core.crime_key as k on d.source = k.source and d.source_id = k.source_id and d.occurred_at = k.occurred_at and d.cell = k.cell;
create temporary table versions (version text, source_id text);

select is(
    pg_temp.figures(pg_temp.import('{"1,1916-03-04,-77.05,38.85,robbery","2,2016-03-04,-77.06,38.86,robbery","3,2016-04-04,-77.02,38.82,robbery"}')),
    '3 0 0 0', 'new rows are loaded, however old'
);
select is(
    (
        select array_agg(l.lower_cell order by l.lower_cell) from core.periods('core.crime_data') as p, core.leaves(p.period) as l
        where p.lower_bound = '1916-03-01'
    ),
    '{dqcj,NULL}', 'their months have a leaf for the region they are in'
);
truncate core.crime_changes;
insert into versions select
    xmin::text || ctid::text,
    source_id
from core.crime_data;
select is(
    pg_temp.figures(pg_temp.import('{"1,1916-03-04,-77.05,38.85,robbery","2,2016-03-04,-77.06,38.86,robbery","3,2016-04-04,-77.02,38.82,robbery"}')),
    '0 0 3 0', 'the same rows again are unchanged'
);
select results_eq(
    'select xmin::text || ctid::text, source_id from core.crime_data order by source_id',
    'select version, source_id from versions order by source_id', 'and not touched'
);
select is_empty('select from core.crime_changes', 'and no change is captured');
select is((select count(*) from core.crime_loads), 1::bigint, 'nor is the load recorded twice');

select is(
    pg_temp.figures(pg_temp.import('{"2,2016-03-05,-77.01,38.81,theft","4,2016-04-04,-77.02,38.82,robbery"}')),
    '1 1 0 1', 'a corrected file replaces what changed and removes what is gone'
);
select results_eq(
    'select source_id, day, category from standing order by day',
    $$values ('1@1916-03#1', '1916-03-04', 'robbery'), ('2@2016-03#1', '2016-03-05', 'other'), ('4@2016-04#1', '2016-04-04', 'robbery')$$,
    'in the months it covers; the others stay'
);
select is((select count(*) from core.crime_key), 3::bigint, 'each row has one key');
select is(
    (select count(*) from core.crime_data), (select count(*) from standing), 'and each key its row'
);
select results_eq(
    'select sign::integer, count(*) from core.crime_changes group by 1 order by 1',
    $$values (-1, 2::bigint), (1, 2::bigint)$$, 'risk hears of each change'
);

insert into core.crime_category_names values ('theft', 'theft');
select is(
    pg_temp.figures(pg_temp.import('{"2,2016-03-05,-77.01,38.81,theft","4,2016-04-04,-77.02,38.82,robbery"}')),
    '0 1 1 0', 'a name that a DBA has since explained replaces its rows'
);

-- A city too far from the first to see its crimes.
insert into core.cities (name, time_zone, utm_srid, walkable_bounds)
values ('Far', 'UTC', 32630, st_makeenvelope(-6.05, 54.55, -5.82, 54.65, 4326));
select is(
    pg_temp.figures(pg_temp.import('{"9,2016-03-05,-6,54.6,theft","2,2016-03-05,-77.01,38.81,theft","4,2016-04-30,-77.02,38.82,robbery"}', 'Far')),
    '1 0 0 0', 'loading the file for another city leaves the rows of the first'
);
select is((select count(*) from core.crime_data), 4::bigint);
select throws_like(
    $$select pg_temp.import('{"2,2016-03-05,-77.01,38.81,theft"}', 'Nowhere')$$,
    $$there is no city 'Nowhere'; imported are: Far, Test$$
);

select * from finish();
rollback;
