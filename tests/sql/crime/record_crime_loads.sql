begin;
select plan(5);

insert into core.cities (name, time_zone, utm_srid, walkable_bounds)
values ('Test', 'UTC', 32618, st_makeenvelope(-77.1, 38.8, -77.0, 38.9, 4326));
insert into core.crime_staging values (2, '{1,here}'), (3, '{2}'), (4, '{3,there}');
insert into core.crime_candidates (line_number, source, action, reason) values
(2, 'a', 'rejected', 'position'), (3, 'a', 'rejected', 'fields'), (4, 'b', 'unchanged', null);
select core.record_crime_loads(c, 'a file', 'digest', '{id,place}') from core.cities as c;

select results_eq(
    'select source, rows_read, rows_unchanged, rows_rejected from core.crime_loads order by 1',
    $$values ('a', 2::bigint, 0::bigint, 2::bigint), ('b', 1, 1, 0)$$, 'one row for each source'
);
select results_eq(
    'select line_number, reason, content from core.crime_rejects order by 1',
    $$values (2::bigint, 'position', '{"id": "1", "place": "here"}'::jsonb), (3, 'fields', '{"fields": ["2"]}')$$,
    'rejected rows are kept whole'
);
select core.record_crime_loads(c, 'another name', 'digest', '{id,place}') from core.cities as c;
select is((select count(*) from core.crime_loads), 2::bigint, 'the same file again is no new load');
select is((select count(*) from core.crime_rejects), 2::bigint);
select core.record_crime_loads(c, 'a file', 'another digest', '{id,place}') from core.cities as c;
select is((select count(*) from core.crime_loads), 4::bigint, 'another file is');

select * from finish();
rollback;
