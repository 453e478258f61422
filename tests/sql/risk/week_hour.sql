begin;
select plan(5);

select is(core.week_hour('2016-07-01 21:30+00', 'America/New_York'), 18, 'Friday 17:30 in New York');
select is(core.week_hour('2016-07-02 03:59:59+00', 'America/New_York'), 24, 'the last hour of Friday');
select is(core.week_hour('2016-07-02 04:00+00', 'America/New_York'), 25, 'the first hour of Saturday');
select is(core.week_hour('2016-01-01 21:30+00', 'America/New_York'), 17, 'an hour less in winter');
select results_eq(
    $$select week_part, sum(share * 168)::integer, count(*)::integer from core.week_hours() group by 1 order by 1$$,
    $$values (1::smallint, 60, 12), (2::smallint, 25, 5), (3::smallint, 35, 7),
        (4::smallint, 24, 12), (5::smallint, 10, 5), (6::smallint, 14, 7)$$,
    'the parts of the week have 168 hours in all'
);

select * from finish();
rollback;
