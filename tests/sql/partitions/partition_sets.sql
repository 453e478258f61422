-- What a fresh installation gives a DBA.
begin;
select plan(9);

select is(
    (select count(*)::integer from core.periods('core.journey_points')), 37,
    'journey_points: 29 days behind, today, 7 ahead'
);
select is(
    (select min(lower_bound) from core.periods('core.journey_points')),
    date_trunc('day', now(), 'UTC') - interval '29 days', 'the oldest day holds points that are 29 days old'
);
select ok(
    (select max(upper_bound) from core.periods('core.crime_data')) > now() + interval '2 months',
    'crime_data is premade two months ahead'
);
select is_empty(
    $$select p.period from core.partition_sets as s, core.periods(s.parent) as p
      inner join pg_class as c on c.oid = p.period where c.relkind <> 'p'$$,
    'every period is partitioned again by cell'
);
select is_empty(
    $$select p.period from core.partition_sets as s, core.periods(s.parent) as p
      where (select count(*) from core.leaves(p.period) as l where l.lower_cell is null) <> 1$$,
    'every period has one default leaf'
);
select is_empty(
    $$select i.inhrelid::regclass from pg_inherits as i
      inner join core.partition_sets as s on s.parent = i.inhparent
      inner join pg_class as c on c.oid = i.inhrelid
      where pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT'$$,
    'no default partition at the time level: it would block DETACH CONCURRENTLY'
);
select results_eq(
    $$select parent_table, retention, retention_keep_table, infinite_time_partitions
      from partman.part_config order by 1$$,
    $$values ('core.crime_data', null, true, true), ('core.journey_points', '30 days', true, true)$$,
    'pg_partman tracks both sets and never drops by itself'
);
select is(core.ensure_partitions(), 0, 'a second run makes nothing');
select is(core.register_partitions('core.crime_data'), false, 'registering again changes nothing');

select * from finish();
rollback;
