begin;
select plan(7);

insert into core.cities (name, time_zone, utm_srid, walkable_bounds)
values ('Test', 'UTC', 32618, st_makeenvelope(-77.1, 38.8, -77.0, 38.9, 4326));
insert into core.crime_staging values (2, '{1,here}'), (3, '{2}'), (4, '{3,there}');
insert into core.crime_candidates (line_number, source, action, reason) values
(2, 'a', 'rejected', 'position'), (3, 'a', 'rejected', 'fields'), (4, 'b', 'unchanged', null);
create function pg_temp.record(p_name text, p_digest text) returns void language sql volatile as $$
select core.record_crime_loads(c, l) from core.cities as c, jsonb_populate_record(null::core.crime_loads, jsonb_build_object(
    'file_name', p_name, 'file_digest', p_digest, 'publisher', 'a', 'header', '{id,place}'::text[])) as l
$$;
select pg_temp.record('a file', 'digest');

select results_eq(
    'select source, rows_read, rows_unchanged, rows_rejected from core.crime_loads order by 1',
    $$values ('a', 2::bigint, 0::bigint, 2::bigint), ('b', 1, 1, 0)$$, 'one row for each source'
);
select results_eq(
    'select line_number, reason, content from core.crime_rejects order by 1',
    $$values (2::bigint, 'position', '{"id": "1", "place": "here"}'::jsonb), (3, 'fields', '{"fields": ["2"]}')$$,
    'rejected rows are kept whole'
);
select pg_temp.record('another name', 'digest');
select is((select count(*) from core.crime_loads), 2::bigint, 'the same file again is no new load');
select is((select count(*) from core.crime_rejects), 2::bigint);
select pg_temp.record('a file', 'another digest');
select is((select count(*) from core.crime_loads), 4::bigint, 'another file is');
select is((select count(*) from core.crime_rejects), 2::bigint, 'but what it brings again is rejected once');
update core.crime_staging set fields = '{1,here}'
where line_number = 3;
select pg_temp.record('a file', 'a third digest');
select is((select count(*) from core.crime_rejects), 3::bigint, 'unless it brings it once more');

select * from finish();
rollback;
