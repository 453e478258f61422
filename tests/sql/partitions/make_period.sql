begin;
select plan(7);

insert into core.crime_categories values ('partition test', 1, 'other', false);

select is(
    core.make_period('core.crime_data', '1916-07-04 12:00+00', '{gcq}')::text, 'core.crime_data' || core.period_suffix('core.crime_data', '1916-07-01 00:00+00'),
    'a month of 1916 gets pg_partman''s name'
);
select results_eq(
    $$select lower_bound, upper_bound from core.periods('core.crime_data') order by 1 limit 1$$,
    $$values ('1916-07-01 00:00+00'::timestamptz, '1916-08-01 00:00+00'::timestamptz)$$,
    'its bounds are the month in UTC'
);
select set_has(
    $$select lower_cell, upper_cell from core.leaves(core.make_period('core.crime_data', '1916-07-04 12:00+00'))$$,
    $$values ('gcq', 'gcq~'), (null, null)$$,
    'it has the leaf asked for and a default leaf'
);
select is(
    core.make_period('core.crime_data', '1916-07-31 23:59:59+00'), core.make_period('core.crime_data', '1916-07-01 00:00+00'),
    'every moment of the month leads to the same period'
);
select isnt(
    core.make_period('core.crime_data', '1916-08-01 00:00+00'), core.make_period('core.crime_data', '1916-07-01 00:00+00'),
    'the upper bound belongs to the next month'
);
insert into core.crime_data (source, source_id, occurred_at, cell, time_precision, category, published_category, geom)
values ('test', '1#1', '1916-07-04 12:00+00', 'gcqaa', 'exact', 'partition test', 'x', 'srid=4326;point(0 0)');
select is(
    (
        select tableoid::regclass::text from core.crime_data
        where source = 'test'
    ),
    'core.crime_data' || core.period_suffix('core.crime_data', '1916-07-01 00:00+00') || '_gcq',
    'a row of the region stands in its leaf'
);
select throws_ok(
    $$select core.make_period('core.journeys', now())$$, 'P0002', null, 'a table that is no partition set is refused'
);

select * from finish();
rollback;
