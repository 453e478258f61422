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
)

select d.relation, d.relation, d.user_column, null, null, null, null
from core.user_data as d
inner join pg_catalog.pg_class as c on d.relation = c.oid
where c.relkind = 'r'
union all
select d.relation, c.oid::regclass, d.user_column, p.lower_bound, p.upper_bound, cells[1], cells[2]
from core.user_data as d
inner join core.partition_sets as s on d.relation = s.parent
-- By its columns and not by its place: a table beside the set, or a copy somebody made, holds people's rows as well.
inner join pg_catalog.pg_class as c
    on c.relkind = 'r' and c.relpersistence <> 't'
    and 3 = (
        select count(*)
        from pg_catalog.pg_attribute as a
        where a.attrelid = c.oid and a.attname in (d.user_column, s.control, 'cell') and not a.attisdropped
    )
left join pg_catalog.pg_inherits as i on c.oid = i.inhrelid
left join lateral (
    select p.lower_bound, p.upper_bound, p.period
    from periods as p
    where p.parent = d.relation and p.period in (c.oid, i.inhparent)
    limit 1
) as p on true
left join lateral regexp_match(
    pg_catalog.pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([^'']+)''\) TO \(''([^'']+)''\)'
) as cells on p.period = i.inhparent
where not exists (select from core.user_data as o where o.relation = c.oid)
$$;

comment on function core.user_tables() is
'Every table that holds rows of people, partition sets leaf by leaf (also detached, restored beside the set, or copied by hand), with the times and cells it holds; null where they are not known.';
revoke all on function core.user_tables() from public;
