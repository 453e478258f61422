create or replace function core.checked_leaves() returns setof regclass
language sql stable strict security invoker
set search_path = core, public, pg_temp
as $$
select c.conrelid::regclass
from core.partition_sets as s
cross join lateral core.periods(s.parent) as p
inner join pg_catalog.pg_inherits as i on i.inhparent = p.period
inner join pg_catalog.pg_constraint as c on c.conrelid = i.inhrelid
where c.conname = 'repartition_bounds'
$$;

comment on function core.checked_leaves() is
'Leaves that came by a repartition and still have the check that let ATTACH not read them.';
revoke all on function core.checked_leaves() from public;
