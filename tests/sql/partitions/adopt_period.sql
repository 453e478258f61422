-- pg_partman's own maintenance, 4.7 and 5: what it makes is adopted, and our call of it makes and detaches nothing.
begin;
select plan(10);
set local role saferoute_owner;
set local client_min_messages = 'error';

create function pg_temp.plain() returns setof regclass language sql as $$
select p.period from core.periods('core.journey_points') as p
inner join pg_class as c on p.period = c.oid
where c.relkind = 'r'
order by p.lower_bound
$$;
create procedure pg_temp.drop_days(p_from integer)
language plpgsql as $$
declare
    v_period regclass;
begin
    for v_period in
        select p.period from core.periods('core.journey_points') as p where p.lower_bound > now() + make_interval(days => p_from)
    loop
        execute format('drop table %s', v_period);
    end loop;
end
$$;
create procedure pg_temp.adopt()
language plpgsql as $$
declare
    v_plain regclass [] := array(select pg_temp.plain());
begin
    perform core.realign_periods('core.journey_points');
    perform core.prepare_adoption('core.journey_points', u.plain) from unnest(v_plain) as u (plain);
    perform core.adopt_period('core.journey_points', u.plain) from unnest(v_plain) as u (plain);
end
$$;

call pg_temp.drop_days(2);
select partman.run_maintenance(p_parent_table := 'core.journey_points');
select ok((select count(*) from pg_temp.plain()) between 5 and 6, 'pg_partman makes plain days');
insert into core.journey_points (journey_id, recorded_at, cell, user_id, geom)
select
    gen_random_uuid(),
    now() + interval '4 days',
    'dqcjr',
    gen_random_uuid(),
    'srid=4326;point(-77 38.9)'
from generate_series(1, 10);
call pg_temp.adopt();
select is_empty('select pg_temp.plain()', 'which are given leaves');
select is_empty(
    $$select p.period from core.periods('core.journey_points') as p
      where p.period::text <> 'core.journey_points' || core.period_suffix('core.journey_points', p.lower_bound)
          or (select count(*) from core.leaves(p.period) as l where l.lower_cell is null) <> 1$$,
    'and are named like all others'
);
select is((select count(*) from core.journey_points), 10::bigint, 'their rows stay');
select results_eq(
    $$select lower_bound, upper_bound, period::oid from core.known_periods
      where parent = 'core.journey_points'::regclass order by 1$$,
    $$select lower_bound, upper_bound, period::oid from core.periods('core.journey_points') order by 1$$,
    'the ledger knows them'
);

update partman.part_config set retention = '10 days'
where parent_table = 'core.journey_points';
select throws_like(
    $$select core.partman_bookkeeping('core.journey_points')$$, '%19 due periods still stand%',
    'what is due keeps our call from pg_partman'
);
insert into core.partition_archives (parent, lower_bound, upper_bound, file_name, file_digest, file_bytes, row_count, leaf_rows, keep_until)
select
    parent,
    lower_bound,
    upper_bound,
    lower_bound::text,
    '',
    0,
    0,
    '{}',
    now() + interval '1 day'
from ops.partition_periods
where parent = 'core.journey_points'::regclass and is_due;
call pg_temp.drop_days(1);
select core.partman_bookkeeping('core.journey_points');
select is((select count(*) from core.periods('core.journey_points')), 37::bigint, 'it detaches nothing');
select is_empty('select pg_temp.plain()', 'and makes nothing plain');

select partman.run_maintenance(p_parent_table := 'core.journey_points');
select is(
    (
        select count(*) from ops.partition_periods
        where parent = 'core.journey_points'::regclass and state = 'detached'
    ), 19::bigint, 'run by hand it detaches what is past its retention, and drops nothing'
);
select is(core.premake('core.journey_points'), 0, 'which is not made again');

select * from finish();
rollback;
