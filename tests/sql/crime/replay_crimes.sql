-- Rejected rows become crimes once they are fixed, and later files neither remove nor double them.
begin;
select plan(28);

insert into core.cities (name, time_zone, utm_srid, walkable_bounds)
values ('Test', 'UTC', 32618, st_makeenvelope(-77.1, 38.8, -77.0, 38.9, 4326));

create function pg_temp.import(p_rows text[]) returns text
language plpgsql volatile
as $$
declare
    v_summary jsonb;
begin
    insert into core.crime_staging
    select r.n + 1, string_to_array(r.written, ',') from unnest(p_rows) with ordinality as r (written, n);
    v_summary := core.import_crimes(
        core.begin_crime_import('Test'), 'test', '{id,time,lon,lat,category}',
        '{"id": 1, "time": 2, "lon": 3, "lat": 4, "category": 5}', 4326, 'a file', md5(p_rows::text)
    );
    return concat_ws(' ', v_summary ->> 'loaded', v_summary ->> 'replaced', v_summary ->> 'unchanged', v_summary ->> 'removed', v_summary ->> 'rejected');
end
$$;
create function pg_temp.waiting() returns bigint[] language sql stable as $$
select array_agg(reject_id order by reject_id) from core.crime_rejects where settled_at is null
$$;
create function pg_temp.reject(p_line bigint) returns bigint language sql stable as $$
select max(reject_id) from core.crime_rejects where line_number = p_line
$$;
create temporary view standing as
select
    d.source_id,
    to_char(d.occurred_at, 'YYYY-MM-DD') as day,
    round(st_x(d.geom)::numeric, 3) as lon
from core.crime_data as d
inner join core.crime_key as k on d.source = k.source and d.source_id = k.source_id and d.occurred_at = k.occurred_at and d.cell = k.cell;
create temporary table files (name text primary key, written text[]);
-- Days first: 25/3 has no other meaning. Row 2 is cut short, 3 has its coordinates exchanged, 4 is two victims without a place.
insert into files values
('first', '{"6,1/3/2016,-77.05,38.85,theft","1,25/3/2016,-77.05,38.85,theft","2,4/3/2016,-77.06","3,5/3/2016,38.86,-77.06,theft","4,6/3/2016,,,theft","4,6/3/2016,,,theft","7,26/3/2016,-77.05,38.85,theft"}');

select is(pg_temp.import(written), '3 0 0 0 {"fields": 1, "outside": 1, "position": 2}', 'four rows are rejected') from files;
select is((core.explain_reject(pg_temp.reject(4))).sentence, 'It has 3 fields, the header has 5: 2 | 4/3/2016 | -77.06.', 'a short row says so');
select matches(
    (core.explain_reject(pg_temp.reject(5))).sentence,
    $$^lon is '38.86', lat is '-77.06': [\d,]+ km from the streets of Test; at most 300 km are accepted. Exchanged, its coordinates would do.$$,
    'a far one how far'
);
select is((core.explain_reject(pg_temp.reject(5))).changes, '{"lon": "-77.06", "lat": "38.86"}', 'and what would help');
select is((core.explain_reject(pg_temp.reject(6))).sentence, $$lon is '', lat is '': no position of EPSG:4326 that can be read.$$, 'no place');
select is((select count(*) from core.crime_staging) + (select count(*) from core.crime_candidates), 0::bigint, 'explaining leaves nothing behind');

select is(core.replay_crimes(pg_temp.waiting()), 0::bigint, 'none of them can be loaded as it came');
select is((select count(*) from standing), 3::bigint, 'and none of the others is touched');
select is(core.swap_rejects('outside'), 1::bigint, 'the exchanged one is fixed');
select is(core.swap_rejects('position'), 0::bigint, 'those without a place cannot be');
select core.fix_reject(pg_temp.reject(4), '{"lon": "-77.07"}');
select core.fix_reject(pg_temp.reject(4), '{"lat": "38.87", "category": "robbery"}');
select core.fix_reject(r.reject_id, '{"lon": "-77.02", "lat": "38.82"}') from core.crime_rejects as r
where r.reason = 'position';
select throws_like(
    $$select core.fix_reject(pg_temp.reject(4), '{"longitude": "-77.07"}')$$,
    '%has no longitude; its columns are: id, time, lon, lat, category', 'a column that is not in the file is refused'
);
select throws_like($$select core.fix_reject(0, '{"lon": "1"}')$$, 'crime:0 is not in the quarantine', 'and so is a row that is not there');

truncate core.crime_changes;
select is(core.replay_crimes(array[pg_temp.reject(6)]), 1::bigint, 'one of the two victims is loaded');
select is(core.replay_crimes(pg_temp.waiting()), 3::bigint, 'and all the others');
select results_eq(
    'select day, lon from standing order by day, lon',
    $$values ('2016-03-01', -77.05), ('2016-03-04', -77.07), ('2016-03-05', -77.06), ('2016-03-06', -77.02), ('2016-03-06', -77.02), ('2016-03-25', -77.05), ('2016-03-26', -77.05)$$,
    'beside what stands, days read first as in their file, equal rows as two'
);
select is((select count(*) from core.crime_changes), 4::bigint, 'risk hears of each');
select is(core.replay_crimes((select array_agg(reject_id) from core.crime_rejects)), 0::bigint, 'once');
select is((
    select content from core.crime_rejects
    where reject_id = pg_temp.reject(4)
), '{"fields": ["2", "4/3/2016", "-77.06"]}', 'what came stays');

select is(pg_temp.import(written), '0 0 3 0 {"fields": 1, "outside": 1, "position": 2}', 'the same file again removes none of them') from files;
select is(pg_temp.waiting(), null, 'nor rejects them again');
select is(
    pg_temp.import(written || '{"8,2/3/2016,-77.05,38.85,theft"}'), '1 0 3 0 {"fields": 1, "outside": 1, "position": 2}',
    'nor does a longer file that still has them'
) from files;
select is((select count(*) from standing), 8::bigint, 'which finds them in place');

-- The publisher has corrected all but one of the two victims.
select is(
    pg_temp.import('{"6,1/3/2016,-77.05,38.85,theft","1,25/3/2016,-77.05,38.85,theft","2,4/3/2016,-77.07,38.87,robbery","3,5/3/2016,-77.06,38.86,theft","4,6/3/2016,-77.03,38.83,theft","4,6/3/2016,,,theft","7,26/3/2016,-77.05,38.85,theft"}'),
    '3 0 3 4 {"position": 1}', 'a corrected row takes the place of the fixed one'
);
select results_eq(
    'select day, lon from standing order by day, lon',
    $$values ('2016-03-01', -77.05), ('2016-03-04', -77.07), ('2016-03-05', -77.06), ('2016-03-06', -77.03), ('2016-03-06', -77.02), ('2016-03-25', -77.05), ('2016-03-26', -77.05)$$,
    'so that nothing is doubled, and what is still rejected stays as fixed'
);

-- An old file undoes the corrections; the rows that it cannot give are in the quarantine again, and not lost.
select is(
    pg_temp.import(written), '0 0 3 3 {"fields": 1, "outside": 1, "position": 2}', 'the first file again takes the corrected rows away'
) from files;
select is(cardinality(pg_temp.waiting()), 3, 'and rejects its own anew');

-- The corrected row came before the fix.
select core.discard_rejects(array[pg_temp.reject(5)]);
select pg_temp.import('{"6,1/3/2016,-77.05,38.85,theft","1,25/3/2016,-77.05,38.85,theft","2,4/3/2016,-77.07,38.87,robbery","7,26/3/2016,-77.05,38.85,theft"}');
select core.fix_reject(pg_temp.reject(4), '{"lon": "-77.07", "lat": "38.87", "category": "robbery"}');
select core.replay_crimes(pg_temp.waiting());
select is((
    select count(*) from standing
    where day = '2016-03-04'
), 1::bigint, 'a row that says the same stands for the fixed one');
select pg_temp.import(written) from files;
select is((
    select count(*) from core.crime_rejects
    where settled_at is null and reason = 'outside'
), 0::bigint, 'what was discarded does not come back');

select * from finish();
rollback;
