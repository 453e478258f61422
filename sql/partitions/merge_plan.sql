create or replace function core.merge_plan(p_prefix text)
returns table (parent regclass, period regclass, lower_bound timestamptz, old_leaves regclass[], prefixes text[])
language sql stable strict security invoker
set search_path = core, public, pg_temp
as $$
select
    s.parent,
    p.period,
    p.lower_bound,
    -- Where not every child has a leaf, rows of the others may stand in the default leaf.
    case when o.children = 32 then o.leaves else o.leaves || d.leaf end,
    array[p_prefix]
from core.partition_sets as s
cross join lateral core.periods(s.parent) as p
cross join lateral (
    select array_agg(l.leaf order by l.lower_cell) as leaves, count(*) as children
    from core.leaves(p.period) as l
    where l.lower_cell = any(core.child_prefixes(p_prefix))
) as o
inner join lateral core.leaves(p.period) as d on d.lower_cell is null
where o.children > 0
order by s.parent::text, p.lower_bound
$$;

comment on function core.merge_plan(text) is
'The periods that have leaves of children of this prefix, and what one leaf for all of them would replace.';
revoke all on function core.merge_plan(text) from public;
