-- Each row becomes a candidate, or is rejected with a reason.
begin;
select plan(14);

insert into core.cities (name, time_zone, utm_srid, walkable_bounds)
values ('Test', 'America/New_York', 32618, st_makeenvelope(-77.1, 38.8, -77.0, 38.9, 4326));
insert into core.crime_staging values
(2, '{7,2015-05-14 13:24,2015-05-14 00:00,-77.05,38.85,HOMICIDE, 203 ,Metropolitan Police Service}'),
(3, '{7,2015-05-14 13:24,2015-05-14 00:00,-77.05,38.85,HOMICIDE, 203 ,Metropolitan Police Service}'),
(4, '{7,2015-05-14 13:24,2015-06-01 08:00,-77.05,38.85,HOMICIDE,203,Metropolitan Police Service}'),
(5, '{"",2015-05-14 13:24,2015-05-14 14:00,-77.05,38.85,Homicide ,203,Avon & Somerset Constabulary}'),
(6, '{8,2015-05-14 13:24,2015-05-13 08:00,-77.05,38.85,jaywalking,"",Police Service of Northern Ireland}'),
(7, '{9,"",2015-05-13 08:00,-77.05,38.85,"",203,""}'),
(8, '{10,2015-05-14 13:24,"",-77.05,38.85,robbery,203,""}'),
(9, '{11,2015-05-14 13:24,2015-05-14 00:00,"","",ROBBERY,203,""}'),
(10, '{12,2015-05-14 13:24,2015-05-14 00:00,-150,39.5,ROBBERY,203,""}'),
(11, '{13,2015-05-14 13:24,2999-05-14 00:00,-77.05,38.85,ROBBERY,203,""}'),
(12, '{14,0215-05-14 13:24,2015-05-14 00:00,-77.05,38.85,ROBBERY,203,""}'),
(13, '{15,2015-05-14 13:24}'),
(14, '{16,2015-05-14 13:24,2015-05-14 00:00,-79.9,38.85,ROBBERY,203,""}');

select lives_ok(
    $$select core.read_crimes(c, l) from core.cities as c, jsonb_populate_record(null::core.crime_loads, jsonb_build_object(
        'publisher', 'test', 'header', '{id,at,reported,x,y,what,where,who}'::text[],
        'columns', '{"id": 1, "time": 2, "reported": 3, "lon": 4, "lat": 5, "category": 6, "area": 7, "force": 8}'::jsonb,
        'srid', 4326, 'time_zone', c.time_zone, 'is_day_first', false, 'loaded_at', now())) as l$$
);
create temporary view found as
select
    line_number,
    source,
    source_id,
    time_precision,
    category,
    published_category,
    area,
    reason,
    occurred_at at time zone 'America/New_York' as occurred
from core.crime_candidates
order by line_number;

select results_eq(
    'select line_number::integer, reason from found where reason is not null',
    $$values (9, 'position'), (10, 'outside'), (11, 'future'), (12, 'time'), (13, 'fields')$$,
    'what cannot be loaded says why'
);
select results_eq(
    'select source_id from found where line_number in (2, 3) order by 1',
    $$values ('7@2015-05#1'), ('7@2015-05#2')$$,
    'equal rows are two victims'
);
select results_eq(
    'select source_id, source from found where line_number = 4', $$values ('7@2015-06#1', 'test/metropolitan')$$,
    'the month is the month it was published for'
);
select matches(
    (
        select source_id from found
        where line_number = 5
    ), '^[0-9a-f]{32}@2015-05#1$',
    'a row without an id is known by its content'
);
select results_eq(
    'select source from found where line_number in (5, 6)',
    $$values ('test/avon-somerset'), ('test/northern-ireland')$$, 'each force is a source'
);
select results_eq(
    'select occurred, time_precision from found where line_number = 2',
    $$values ('2015-05-14 13:24'::timestamp, 'exact')$$, 'a report at midnight is a date'
);
select results_eq(
    'select occurred, time_precision from found where line_number = 6',
    $$values ('2015-05-13 00:00'::timestamp, 'day')$$, 'a start after the report gives way to the day of the report'
);
select results_eq(
    'select occurred, time_precision from found where line_number = 7',
    $$values ('2015-05-13 00:00'::timestamp, 'day')$$, 'and so does no start at all'
);
select results_eq(
    'select occurred, time_precision from found where line_number = 8',
    $$values ('2015-05-14 13:24'::timestamp, 'exact')$$, 'no report: the start stands'
);
select results_eq(
    'select category from found where line_number between 5 and 8',
    $$values ('homicide'), ('other'), ('other'), ('robbery')$$, 'names are matched in any case; unknown ones are other'
);
select results_eq(
    'select published_category from found where line_number in (5, 6)',
    $$values ('Homicide'), ('jaywalking')$$, 'the words of the publisher stay'
);
select results_eq(
    'select area from found where line_number in (2, 6)', $$values ('203'), (null)$$, 'blank is no area'
);
select is((
    select reason from found
    where line_number = 14
), null, '240 km from the streets is kept');

select * from finish();
rollback;
