-- What a DBA is told, and when.
begin;
select plan(20);

create function pg_temp.health(p_parent regclass default 'core.journey_points') returns text
language sql as $$
select concat_ws(': ', state, nullif(array_to_string(problems, ' '), '')) from ops.partition_health where parent = p_parent
$$;
-- Between two commands, as what follows has changed the catalogue.
create procedure pg_temp.drop_days(p_from integer, p_to integer)
language plpgsql as $$
declare
    v_period regclass;
begin
    for v_period in
        select p.period from core.periods('core.journey_points') as p
        where p.lower_bound > now() + make_interval(days => p_from - 1)
            and p.lower_bound <= now() + make_interval(days => p_to)
    loop
        execute format('drop table %s', v_period);
    end loop;
end
$$;

select results_eq(
    $$select parent, state, problems, premade from ops.partition_health order by parent::text$$,
    $$values ('core.crime_data'::regclass, 'green', '{}'::text [], 2::bigint), ('core.journey_points', 'green', '{}', 7)$$,
    'a fresh installation is well'
);
select results_eq(
    $$select periods, lower_bound, upper_bound, next_retirement, next_retirement_at
      from ops.partition_health where parent = 'core.journey_points'::regclass$$,
    $$select 37::bigint, d - interval '29 days', d + interval '8 days', d - interval '29 days', d + interval '2 days'
      from date_trunc('day', now(), 'UTC') as d$$,
    'bounds and the next retirement'
);

update core.migrations set began_at = began_at - interval '3 days';
select is(
    pg_temp.health(), 'red: There has been no successful maintenance yet: schedule it daily.',
    'nobody has maintained it for days'
);
insert into core.maintenance_runs (parent, began_at, ended_at)
select
    s.parent,
    now() - interval '1 hour',
    now()
from core.partition_sets as s;
select is(pg_temp.health(), 'green', 'a run within two days');
insert into core.maintenance_runs (parent, began_at) values ('core.journey_points', now() - interval '1 minute');
select is(pg_temp.health(), 'green', 'one that runs right now');
insert into core.maintenance_runs (parent, began_at, ended_at, problem)
values ('core.journey_points', now() - interval '30 minutes', now(), 'the disk is full');
select alike(pg_temp.health(), 'red: The last maintenance (%) failed: the disk is full.', 'one that failed');
select is(pg_temp.health('core.crime_data'), 'green', 'the other set is none the worse');
delete from core.maintenance_runs;
insert into core.maintenance_runs (parent, began_at) values ('core.journey_points', now() - interval '7 hours');
select alike(pg_temp.health(), 'red:%did not come to its end%', 'one that was killed');
delete from core.maintenance_runs;
update core.migrations set began_at = now();

call pg_temp.drop_days(6, 7);
select is(pg_temp.health(), 'yellow: 5 of 7 periods ahead are there: maintenance is late.', 'two days without maintenance');
call pg_temp.drop_days(5, 5);
select alike(pg_temp.health(), 'yellow:%', 'three');
call pg_temp.drop_days(4, 4);
select alike(pg_temp.health(), 'red: Only 3 of 7 periods ahead are there; %', 'four: red, three days before a row finds no period');
set local role saferoute_owner;
select core.premake('core.journey_points');
reset role;
call pg_temp.drop_days(5, 5);
select alike(
    pg_temp.health(),
    'red: Periods are missing between now and the last one (1, the first is '
    || to_char(now() at time zone 'UTC' + interval '5 days', 'YYYY-MM-DD') || '%',
    'a gap ahead'
);
call pg_temp.drop_days(-3, -3);
set local role saferoute_owner;
select core.premake('core.journey_points');
reset role;
select is(pg_temp.health(), 'green', 'premake fills gaps');
call pg_temp.drop_days(-3, -3);
select alike(pg_temp.health(), 'red: Periods for late rows are missing (1%', 'a gap behind');
insert into core.partition_archives (
    parent, lower_bound, upper_bound, file_name, file_digest, file_bytes, row_count, leaf_rows, dropped_at
)
select
    'core.journey_points',
    d.lower_bound,
    d.lower_bound + interval '1 day',
    'x',
    'x',
    1,
    1,
    '{}',
    now()
from (select date_trunc('day', now(), 'UTC') - interval '3 days' as lower_bound) as d;
select is(pg_temp.health(), 'green', 'which is none where the period has been archived');

update partman.part_config set retention = '20 days'
where parent_table = 'core.journey_points';
select alike(pg_temp.health(), 'yellow: Periods are past their retention (9,%', 'retirement is late');
update partman.part_config set retention = '30 days'
where parent_table = 'core.journey_points';

set local role saferoute_owner;
select core.add_leaf(core.make_period('core.journey_points', now()), 'zzzz');
reset role;
select alike(pg_temp.health(), 'yellow: Leaves are of no region (1)%', 'half a split');
insert into core.regions values ('zzzz', 'Nowhere');
insert into core.journey_points (journey_id, recorded_at, cell, user_id, geom)
select
    gen_random_uuid(),
    now() + make_interval(days => n % 2),
    '00000',
    gen_random_uuid(),
    'srid=4326;point(0 0)'
from generate_series(1, 3000) as n;
insert into core.point_quarantine (journey_id, user_id, reason, point, digest, recorded_at)
values (gen_random_uuid(), gen_random_uuid(), 'period', '{}', gen_random_uuid(), now());
set local role operator;
select is(
    pg_temp.health(),
    'yellow: Many rows are in default leaves (2,000 or more), where every search of their period reads.'
    || ' Run regions fill. Quarantined points wait for their period (1). Run maintain.',
    'operators see how many rows lie in default leaves'
);
select throws_ok('select from core.journey_points', '42501', null, 'and not the rows');
select throws_ok('select from core.journeys', '42501', null, 'of nobody');

select * from finish();
rollback;
