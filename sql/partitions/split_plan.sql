create or replace function core.split_plan(p_prefix text)
returns table (parent regclass, period regclass, lower_bound timestamptz, old_leaves regclass[], prefixes text[])
language sql stable strict security invoker
set search_path = core, public, pg_temp
as $$
select s.parent, p.period, p.lower_bound, array[l.leaf], core.child_prefixes(p_prefix)
from core.partition_sets as s
cross join lateral core.periods(s.parent) as p
cross join lateral core.leaves(p.period) as l
where l.lower_cell = p_prefix
order by s.parent::text, p.lower_bound
$$;

comment on function core.split_plan(text) is
'The periods that have a leaf of this prefix, and what its 32 children would replace.';
revoke all on function core.split_plan(text) from public;
