create or replace view ops.partition_periods as
with standing as (
    select
        i.inhparent as parent,
        i.inhrelid as period,
        bounds[1]::timestamptz as lower_bound,
        bounds[2]::timestamptz as upper_bound,
        case when i.inhdetachpending then 'detaching' else 'attached' end as state
    from core.partition_sets as s
    inner join pg_catalog.pg_inherits as i on s.parent = i.inhparent
    inner join pg_catalog.pg_class as c on i.inhrelid = c.oid
    cross join
        lateral regexp_match(
            pg_catalog.pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([^'']+)''\) TO \(''([^'']+)''\)'
        ) as bounds
    union all
    select
        k.parent,
        k.period,
        k.lower_bound,
        k.upper_bound,
        'detached' as state
    from core.known_periods as k
    inner join pg_catalog.pg_class as c on k.period = c.oid
    where not exists (
        select from pg_catalog.pg_inherits as i
        where i.inhrelid = k.period
    )
),

newest as (
    select distinct on (a.parent, a.lower_bound) a.*
    from core.partition_archives as a
    where a.superseded_by is null
    order by a.parent asc, a.lower_bound asc, a.archive_id desc
)

select
    coalesce(p.parent, a.parent)::regclass as parent,
    coalesce(p.lower_bound, a.lower_bound) as lower_bound,
    coalesce(p.upper_bound, a.upper_bound) as upper_bound,
    coalesce(p.state, case when a.restored_as is null then 'archived' else 'beside' end) as state,
    coalesce(p.period::regclass, a.restored_as) as period,
    l.leaves,
    case when p.period is null then a.row_count else l.row_estimate end as row_estimate,
    l.bytes,
    a.file_name as archive,
    coalesce(
        p.period is not null and p.upper_bound <= now() - k.retention
        and coalesce(a.keep_until, '-infinity') <= now(), false
    ) as is_due,
    case
        when p.period is not null then greatest(p.upper_bound + k.retention, a.keep_until)
    end as due_at
from standing as p
full outer join newest as a on p.parent = a.parent and p.lower_bound = a.lower_bound
left join ops.part_config() as k on k.parent = coalesce(p.parent, a.parent)
left join lateral (
    select
        count(*) filter (where c.oid <> coalesce(p.period, a.restored_as)) as leaves,
        sum(greatest(c.reltuples, 0))::bigint as row_estimate,
        sum(pg_catalog.pg_total_relation_size(c.oid))::bigint as bytes
    from pg_catalog.pg_class as c
    where c.relkind = 'r' and c.oid in (
        select coalesce(p.period, a.restored_as)
        union all
        select i.inhrelid
        from pg_catalog.pg_inherits as i
        where i.inhparent = coalesce(p.period, a.restored_as) and not i.inhdetachpending
    )
) as l on true;
comment on view ops.partition_periods is 'Every period of every partition set: those that stand, and those that are only in an archive.';
comment on column ops.partition_periods.state is 'attached; detaching (an interrupted DETACH CONCURRENTLY); detached (its rows are not in the set); archived (dropped, in the file); beside (restored next to the set).';
comment on column ops.partition_periods.leaves is '0 where pg_partman has made a plain table, until upkeep adopts it.';
comment on column ops.partition_periods.row_estimate is 'As of the last vacuum or analyze; exact where the period is archived.';
comment on column ops.partition_periods.is_due is 'Whether part_config.retention has passed since its end, and no restore holds it.';
comment on column ops.partition_periods.due_at is 'When it is; null where rows are kept for good.';
grant select on ops.partition_periods to operator;
