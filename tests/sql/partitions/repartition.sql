-- Leaves are replaced while their rows change: what has changed meanwhile comes along, risk does not change, rights stay.
begin;
select plan(17);

insert into core.crime_categories values ('partition test', 1, 'other', false);
insert into core.regions values ('u10h', 'London');
create temporary table made as
select core.make_period('core.crime_data', '1950-01-01 00:00+00', '{u10h}') as period;
create function pg_temp.add(p_id integer, p_cell text) returns void
language sql volatile
as $$
insert into core.crime_data (source, source_id, occurred_at, cell, time_precision, category, published_category, geom)
values ('test', p_id, '1950-01-02 00:00+00', p_cell, 'exact', 'partition test', 'x', 'srid=4326;point(0 0)')
$$;
create function pg_temp.leaves() returns setof text
language sql stable
as $$
select l.lower_cell from made as m, core.leaves(m.period) as l
where l.lower_cell is not null order by 1
$$;
create function pg_temp.rows() returns text
language sql stable
as $$
select string_agg(source_id || published_category || right(tableoid::regclass::text, 2), ' ' order by source_id)
from core.crime_data where source = 'test'
$$;
select
    pg_temp.add(1, 'u10h0'),
    pg_temp.add(2, 'u10hz'),
    pg_temp.add(3, 'u10hz'),
    pg_temp.add(4, 'u10k0'),
    pg_temp.add(5, 'u10k1');

select ok(core.split_region('u10h'), 'a region is split');
select results_eq(
    'select prefix collate "default" from core.regions order by 1', $$select unnest(core.child_prefixes('u10h')) order by 1$$,
    'its 32 children are regions in its place'
);
create temporary table begun as
select core.begin_repartition(p.period, p.old_leaves, p.prefixes) as id from core.split_plan('u10h') as p;
select core.copy_into_leaf(id, l.leaf) from begun, core.leaves(format('core.repartition_%s', id)::regclass) as l;
create temporary table changes as select max(change_id) as latest from core.crime_changes;
select pg_temp.add(6, 'u10h1');
delete from core.crime_data
where source_id = '1';
update core.crime_data set published_category = 'y'
where source_id = '2';
update core.crime_data set cell = 'u10hb'
where source_id = '3';
update core.crime_data set cell = 'u10hc'
where source_id = '4';
update changes set latest = (select max(change_id) from core.crime_changes);
select is(core.repartition_differences(id), 0::bigint, 'the log explains every difference') from begun;
select is(core.catch_up(id, 2), 2::bigint, 'changes come over in batches') from begun;
select core.catch_up(id) from begun;
select is(core.catch_up(id), 0::bigint, 'until there are none') from begun;
select core.guard_default_leaf(id) from begun;
select core.swap_leaves(id) from begun;
select is(pg_temp.rows(), '2yhz 3xhb 4xhc 5xlt 6xh1', 'every row is there as it was changed, in its new leaf');
select is((select max(change_id) from core.crime_changes), latest, 'rows that move are no change of risk') from changes;
select results_eq('select pg_temp.leaves()', $$select unnest(core.child_prefixes('u10h')) order by 1$$, 'the leaves are the children');
select throws_ok(
    $$insert into core.crime_data select source, '9', occurred_at, cell, time_precision, 'no such', 'x', geom
      from core.crime_data where source_id = '2'$$, '23503', null, 'foreign keys hold in new leaves'
);
select is_empty(
    $$select l.leaf from made as m, core.leaves(m.period) as l, pg_roles as r
      where r.rolname in ('saferoute_api', 'authenticated', 'operator', 'analyst') and has_table_privilege(r.oid, l.leaf, 'select, insert')$$,
    'and they are nobody''s but the owner''s'
);

-- The default leaf gives up its rows of a region.
insert into core.regions values ('u10k', 'London');
select results_eq(
    'select prefixes from core.fill_plan()', $$values ('{u10k}'::text[])$$, 'rows of a new region stand in one default leaf'
);
update begun set id = core.begin_repartition(p.period, p.old_leaves, p.prefixes) from core.fill_plan() as p;
select core.copy_into_leaf(id, l.leaf) from begun, core.leaves(format('core.repartition_%s', id)::regclass) as l;
select
    pg_temp.add(7, 'u10k5'),
    pg_temp.add(8, 'ezs42');
select core.swap_leaves(id) from begun;
select is(pg_temp.rows(), '2yhz 3xhb 4xhc 5x0k 6xh1 7x0k 8xlt', 'those of the region leave it, others stay, new ones come along');

-- A difference that the log does not explain.
update begun set id = core.begin_repartition(p.period, p.old_leaves, p.prefixes) from core.merge_plan('u10h') as p;
select core.copy_into_leaf(id, l.leaf) from begun, core.leaves(format('core.repartition_%s', id)::regclass) as l;
set local session_replication_role = replica;
delete from core.crime_data
where source_id = '2';
set local session_replication_role = origin;
select is(core.repartition_differences(id), 1::bigint, 'is found') from begun;
select core.abandon_repartition(id) from begun;
select is(pg_temp.rows(), '3xhb 4xhc 5x0k 6xh1 7x0k 8xlt', 'who abandons it leaves all as it was');
select is_empty(
    $$select t.tgname from pg_trigger as t where t.tgname = '_900_log_change'
      union all select c.relname from pg_class as c where c.relname like 'repartition\_%' and c.relname ~ '[0-9]'
      union all select p.proname from pg_proc as p where p.proname ~ '^repartition_[0-9]'$$,
    'and nothing behind'
);

select ok(core.merge_region('u10h'), 'children are merged');
select set_eq('select prefix collate "default" from core.regions', $$values ('u10h'), ('u10k')$$, 'into one region');

select * from finish();
rollback;
