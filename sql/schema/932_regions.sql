create or replace view ops.region_leaves as
select
    coalesce(r.prefix, l.lower_cell) as prefix,
    r.label,
    l.parent,
    l.period,
    l.lower_bound,
    l.leaf,
    coalesce(
        case when c.reltuples < 0 then pg_catalog.pg_stat_get_live_tuples(c.oid) else c.reltuples::bigint end, 0
    ) as row_estimate,
    coalesce(pg_catalog.pg_total_relation_size(c.oid), 0) as bytes
from core.regions as r
full outer join (
    select
        s.parent,
        p.period,
        p.lower_bound,
        t.leaf,
        t.lower_cell
    from core.partition_sets as s
    cross join lateral core.periods(s.parent) as p
    cross join lateral core.leaves(p.period) as t
    where t.lower_cell is not null
) as l on r.prefix = l.lower_cell
left join pg_catalog.pg_class as c on l.leaf = c.oid;
comment on view ops.region_leaves is 'Every region with each of its leaves, one row without a leaf where it has none.';
comment on column ops.region_leaves.label is 'Null where the leaf is of no region any more: a split or merge that is not at its end.';
comment on column ops.region_leaves.lower_bound is 'Of the period, UTC.';
comment on column ops.region_leaves.row_estimate is 'As of the last vacuum or analyze, or the statistics where there was none; not counted.';
grant select on ops.region_leaves to operator;
