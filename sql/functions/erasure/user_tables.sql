create or replace function core.user_tables()
returns table (
    relation regclass,
    leaf regclass,
    user_column text,
    lower_bound timestamptz,
    upper_bound timestamptz,
    lower_cell text,
    upper_cell text
)
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
set jit = off
as $$
with periods as (
    select s.parent, p.period, p.lower_bound, p.upper_bound
    from core.partition_sets as s cross join lateral core.periods(s.parent) as p
    union
    select k.parent, k.period, k.lower_bound, k.upper_bound from core.known_periods as k
    union
    select a.parent, a.restored_as, a.lower_bound, a.upper_bound
    from core.partition_archives as a
    where a.restored_as is not null
),

-- By its columns and not by its place: a table beside the set, or a copy somebody made, holds people's rows as well.
shaped as materialized (
    select d.relation, d.user_column, a.attrelid as leaf
    from core.user_data as d
    inner join core.partition_sets as s on d.relation = s.parent
    inner join pg_catalog.pg_attribute as a
        on a.attname = any(array[d.user_column, s.control, 'cell']::name []) and not a.attisdropped
    group by d.relation, d.user_column, a.attrelid
    having count(*) = 3
)

select d.relation, d.relation, d.user_column, null, null, null, null
from core.user_data as d
inner join pg_catalog.pg_class as c on d.relation = c.oid
where c.relkind = 'r'
union all
select
    t.relation,
    t.leaf::regclass,
    t.user_column,
    coalesce(whole.lower_bound, part.lower_bound),
    coalesce(whole.upper_bound, part.upper_bound),
    cells[1],
    cells[2]
from shaped as t
inner join pg_catalog.pg_class as c on t.leaf = c.oid
left join pg_catalog.pg_inherits as i on t.leaf = i.inhrelid
left join (select distinct on (p.period) p.* from periods as p) as whole on t.leaf = whole.period::oid
left join (select distinct on (p.period) p.* from periods as p) as part on i.inhparent = part.period::oid
left join lateral regexp_match(
    pg_catalog.pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([^'']+)''\) TO \(''([^'']+)''\)'
) as cells on part.period is not null
where c.relkind = 'r' and c.relpersistence <> 't'
and not exists (select from core.user_data as o where o.relation = t.leaf)
$$;

comment on function core.user_tables() is
'Every table that holds rows of people, partition sets leaf by leaf (also detached, restored beside the set, or copied by hand), with the times and cells it holds; null where they are not known.';
revoke all on function core.user_tables() from public;
