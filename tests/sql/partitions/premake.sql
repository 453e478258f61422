-- One set at a time, and nothing that would be retired at once.
begin;
select plan(10);

select results_eq(
    $$select lower_bound, upper_bound, period::oid from core.known_periods
      where parent = 'core.journey_points'::regclass order by 1$$,
    $$select lower_bound, upper_bound, period::oid from core.periods('core.journey_points') order by 1$$,
    'what has been made is known'
);
update partman.part_config set premake = premake + 2;
select is(core.premake('core.journey_points'), 2, 'a longer premake makes the missing days');
select is(
    (select max(upper_bound) from core.periods('core.crime_data')),
    date_trunc('month', now(), 'UTC') + interval '3 months', 'of this set only'
);

-- Ten days, by the one row that says so: the older days are due, and once gone are not made again.
update partman.part_config set retention = '10 days'
where parent_table = 'core.journey_points';
select is(
    (
        select count(*)::integer from ops.partition_periods
        where parent = 'core.journey_points'::regclass and is_due
    ), 19, 'days -29 to -11 are past a retention of ten days'
);
select is_empty(
    $$select lower_bound from ops.partition_periods where parent = 'core.crime_data'::regclass and is_due$$,
    'crimes are kept'
);
update partman.part_config set retention = '1 month'
where parent_table = 'core.crime_data';
select isnt_empty(
    $$select lower_bound from ops.partition_periods where parent = 'core.crime_data'::regclass and is_due$$,
    'unless a period is set'
);
do $$
declare
    v_period regclass;
begin
    for v_period in
        select period from ops.partition_periods where parent = 'core.journey_points'::regclass and is_due
    loop
        execute format('drop table %s', v_period);
    end loop;
end
$$;
select is(core.premake('core.journey_points'), 0, 'what is past its retention is not made again');
select is(
    (
        select count(*)::integer from core.known_periods
        where parent = 'core.journey_points'::regclass
    ), (select count(*)::integer from core.periods('core.journey_points')), 'dropped tables are forgotten'
);

-- A day that somebody took out of the set keeps its place.
do $$
begin
    execute format(
        'alter table core.journey_points detach partition %s', core.make_period('core.journey_points', now() + interval '3 days')
    );
end
$$;
select is(core.premake('core.journey_points'), 0, 'a detached day is not made anew beside its rows');
select results_eq(
    $$select lower_bound from ops.partition_periods where parent = 'core.journey_points'::regclass and state = 'detached'$$,
    $$values (date_trunc('day', now(), 'UTC') + interval '3 days')$$,
    'it is listed'
);

select * from finish();
rollback;
