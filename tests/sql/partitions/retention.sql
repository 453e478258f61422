-- What retirement and restoring rest on.
begin;
select plan(16);

set local timezone = 'UTC';
select core.make_period('core.journey_points', '2020-03-05', '{dqcj}');
insert into core.journey_points (journey_id, recorded_at, cell, user_id, geom)
select
    gen_random_uuid(),
    '2020-03-05 10:00'::timestamptz + n * interval '1 second',
    case when n > 2 then 's0000' else 'dqcjr' end,
    gen_random_uuid(),
    'srid=4326;point(0 0)'
from generate_series(1, 5) as n;

create temporary view contents as
select
    regexp_replace(c.leaf::text collate "default", '^.*_', '') as leaf,
    c.row_count,
    c.digest
from core.periods('core.journey_points') as p
cross join lateral core.leaf_contents(p.period) as c
where p.lower_bound = '2020-03-05';
create temporary table before on commit drop as select * from contents;
select results_eq(
    'select leaf, row_count from before order by leaf',
    $$values ('default', 3::bigint), ('dqcj', 2)$$,
    'every leaf is counted'
);
update core.journey_points set battery_pct = 5
where recorded_at = '2020-03-05 10:00:04';
select results_eq(
    'select c.leaf from contents as c inner join before as b using (leaf) where b.digest <> c.digest',
    $$values ('default')$$,
    'a changed row changes the digest of its leaf'
);
update core.journey_points set battery_pct = null
where recorded_at = '2020-03-05 10:00:04';
select results_eq('select * from contents', 'select * from before', 'and only its content does');

select is(core.absent_periods('core.journey_points'), '{}', 'nothing has left the set');
select lives_ok(
    format('alter table core.journey_points detach partition %s', core.make_period('core.journey_points', '2020-03-05')),
    'somebody detaches a period by hand'
);
select is(
    core.absent_periods('core.journey_points'), '{2020-03-05}'::timestamptz[], 'a detached period is absent'
);
insert into core.partition_archives (
    parent, lower_bound, upper_bound, file_name, file_digest, file_bytes, row_count, leaf_rows, dropped_at
) values ('core.journey_points', '2020-03-04', '2020-03-05', 'a', 'a', 1, 1, '{}', now());
select is(
    core.absent_periods('core.journey_points'),
    '{2020-03-04,2020-03-05}'::timestamptz[],
    'and so is one that is only in an archive'
);
select core.attach_period(
    'core.journey_points', '2020-03-05', ('core.journey_points' || core.period_suffix('core.journey_points', '2020-03-05'))::regclass
);
update core.partition_archives set restored_at = now();
select is(core.absent_periods('core.journey_points'), '{}', 'until they are back');

select core.build_period('core.journey_points', '2020-03-07', 'a_day', '{ez3f}');
select results_eq(
    $$select relname from pg_class where relname like 'a_day%' and relkind in ('r', 'p') order by 1$$,
    $$values ('a_day'::name), ('a_day_default'), ('a_day_ez3f')$$,
    'a table apart has the leaves of a period'
);
select core.attach_period('core.journey_points', '2020-03-07', 'core.a_day');
select results_eq(
    $$select leaf::text from core.leaves(core.make_period('core.journey_points', '2020-03-07'))$$,
    $$select 'core.' || core.period_name('core.journey_points', '2020-03-07') || leaf from unnest('{_ez3f,_default}'::text []) as leaf$$,
    'and gets the names of one when it joins the set'
);
select is_empty(
    $$select relname from pg_class where relname like 'a_day%'$$,
    'down to its indexes'
);
select is_empty(
    $$select conname from pg_constraint where conname = 'period_bounds'$$,
    'without a constraint that says its bounds a second time'
);

insert into core.regions (prefix, label) values ('dqcj', 'a'), ('ez3f', 'b');
select is(core.regions_of('{dqcjr,dqcjq,s0000}'), '{dqcj}', 'only regions with rows get leaves');

select is_empty(
    $$select r.rolname, t.name
      from pg_roles as r,
        unnest('{partition_archives,known_periods,maintenance_runs}'::text []) as t (name)
      where r.rolname in ('operator', 'analyst', 'authenticator', 'authenticated', 'integrator', 'web_anon', 'saferoute_api', 'worker')
        and has_table_privilege(r.rolname, 'core.' || t.name, 'select, insert, update, delete')$$,
    'nobody but the owner reads or writes the ledger'
);
select is_empty(
    $$select r.rolname, p.proname
      from pg_roles as r, pg_proc as p
      where r.rolname in ('operator', 'analyst', 'authenticator', 'authenticated', 'integrator', 'web_anon', 'saferoute_api', 'worker')
        and p.proname in ('drop_archived', 'bring_back', 'attach_period', 'build_period', 'drop_beside', 'rename_period')
        and has_function_privilege(r.rolname, p.oid, 'execute')$$,
    'or retires and restores'
);
set local role operator;
select lives_ok('select * from ops.partition_periods', 'an operator sees what there is');

select * from finish();
rollback;
