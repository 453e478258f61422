begin;
select plan(7);

insert into core.crime_categories values ('partition test', 1, 'other', false);
select core.make_period('core.crime_data', '1950-01-01 00:00+00');
insert into core.crime_data (source, source_id, occurred_at, cell, time_precision, category, published_category, geom)
select
    'test',
    n || '#1',
    '1950-01-02 00:00+00',
    cell,
    'exact',
    'partition test',
    'x',
    'srid=4326;point(0 0)'
from (values (1, 'u10h0'), (2, 'u10hz'), (3, 'u10j0'), (4, 'u10gz')) as rows (n, cell);

select is(
    core.add_leaf(core.make_period('core.crime_data', '1950-01-01 00:00+00'), 'u10h'), 2::bigint,
    'the rows of the region leave the default leaf'
);
select results_eq(
    $$select source_id from core.crime_data where source = 'test' and tableoid::regclass::text like '%\_u10h' order by 1$$,
    $$values ('1#1'), ('2#1')$$,
    'and stand in the new one, neighbours stay'
);
select is((
    select count(*)::integer from core.crime_data
    where source = 'test'
), 4, 'no row is lost');
select is(
    core.add_leaf(core.make_period('core.crime_data', '1950-01-01 00:00+00'), 'u10h'), 0::bigint, 'again: nothing to do'
);
select is(
    core.add_leaf(core.make_period('core.crime_data', '1950-01-01 00:00+00'), 'u10hb'), 0::bigint,
    'a region inside a region that has a leaf gets none of its own'
);
select throws_ok(
    $$select core.add_leaf(core.make_period('core.crime_data', '1950-01-01 00:00+00'), 'x;drop')$$,
    '22023', null, 'what is not a geohash prefix is refused'
);
select throws_ok(
    $$select core.add_leaf(core.make_period('core.crime_data', '1950-01-01 00:00+00'), 'a')$$,
    '22023', null, 'the letter a is in no geohash'
);

select * from finish();
rollback;
