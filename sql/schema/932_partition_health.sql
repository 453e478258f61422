create or replace view ops.partition_health as
with sets as (
    select
        s.parent,
        ('1 ' || s.unit)::interval as step,
        case s.unit when 'day' then 'YYYY-MM-DD' else 'YYYY-MM' end as written,
        s.keep_behind,
        c.retention,
        greatest(coalesce(c.premake, case s.unit when 'day' then 7 else 2 end), 2) as premake,
        date_trunc(s.unit, now() at time zone 'UTC') as this_period
    from core.partition_sets as s
    left join ops.part_config() as c on s.parent = c.parent
),

periods as materialized (
    select
        p.*,
        p.lower_bound at time zone 'UTC' as starts,
        p.state = 'attached' and c.relkind = 'r' as is_plain,
        c.relowner <> o.relowner as is_foreign
    from ops.partition_periods as p
    inner join pg_catalog.pg_class as o on p.parent = o.oid
    left join pg_catalog.pg_class as c on p.period = c.oid
),

standing as (
    select
        p.parent,
        count(*) filter (where p.state = 'attached') as periods,
        sum(p.leaves) filter (where p.state = 'attached')::bigint as leaves,
        sum(p.row_estimate) filter (where p.state = 'attached')::bigint as row_estimate,
        sum(p.bytes)::bigint as bytes,
        min(p.lower_bound) filter (where p.state = 'attached') as lower_bound,
        max(p.upper_bound) filter (where p.state = 'attached') as upper_bound,
        array_agg(p.lower_bound order by p.starts) filter (where p.is_plain) as plain,
        array_agg(p.lower_bound order by p.starts) filter (where p.state = 'detaching') as detaching,
        array_agg(p.lower_bound order by p.starts) filter (where p.state = 'detached') as detached,
        array_agg(p.period::text order by p.starts) filter (where p.is_foreign) as foreign_owned,
        count(*) filter (where p.is_due) as due,
        min(p.due_at) as next_retirement_at,
        (array_agg(p.lower_bound order by p.due_at, p.starts) filter (where p.due_at is not null))[1] as next_retirement
    from periods as p
    group by p.parent
),

-- What core.premake sees to. Before that a set has no period where it has no rows, and after that nobody needs one.
expected as (
    select
        s.parent,
        s.this_period,
        g.starts,
        p.state
    from sets as s
    cross join
        lateral generate_series(
            s.this_period - s.keep_behind * s.step, s.this_period + s.premake * s.step, s.step
        ) as g (starts)
    left join periods as p on s.parent = p.parent and g.starts = p.starts
    where coalesce((g.starts + s.step) at time zone 'UTC' > now() - s.retention, true)
),

missing as (
    select
        e.parent,
        min(e.starts) filter (where e.starts >= e.this_period) as first_ahead,
        array_agg(e.starts at time zone 'UTC' order by e.starts)
        filter (where e.starts >= e.this_period and e.starts at time zone 'UTC' < t.upper_bound) as ahead,
        array_agg(e.starts at time zone 'UTC' order by e.starts) filter (where e.starts < e.this_period) as behind
    from expected as e
    inner join standing as t on e.parent = t.parent
    -- A period that is only in an archive is not missing: it has been retired.
    where coalesce(e.state, 'none') in ('none', 'detaching', 'detached')
    group by e.parent
),

maintenance as (
    select
        s.parent,
        ended.began_at,
        ended.problem,
        ended.ended_at is null as was_killed,
        exists(
            select from core.maintenance_runs as r
            where r.parent = s.parent and r.ended_at is null and r.began_at > now() - interval '6 hours'
        ) as runs,
        (
            select max(r.began_at) from core.maintenance_runs as r
            where r.parent = s.parent and r.ended_at is not null and r.problem is null
        ) as last_success_at
    from sets as s
    left join lateral (
        select * from core.maintenance_runs as r
        where r.parent = s.parent and (r.ended_at is not null or r.began_at <= now() - interval '6 hours')
        order by r.began_at desc
        limit 1
    ) as ended on true
),

quarantine as (
    select
        'core.journey_points'::regclass as parent,
        count(*) as rows_in_all,
        count(*) filter (where q.received_at > now() - interval '1 day') as rows_of_a_day,
        count(*) filter (where q.reason = 'period' and q.recorded_at > now() - s.retention) as rows_without_period
    from core.point_quarantine as q
    inner join sets as s on s.parent = 'core.journey_points'::regclass
    union all
    select
        'core.crime_data'::regclass,
        count(*),
        count(*) filter (where l.loaded_at > now() - interval '1 day'),
        0
    from core.crime_rejects as r
    inner join core.crime_loads as l on r.load_id = l.load_id
    where r.settled_at is null
),

facts as materialized (
    select
        s.parent,
        s.premake,
        s.written,
        t.periods,
        t.leaves,
        t.row_estimate,
        t.bytes,
        t.lower_bound,
        t.upper_bound,
        (
            select count(*) from periods as p
            where
                p.parent = s.parent and p.state = 'attached' and p.starts > s.this_period
                and p.starts < coalesce(m.first_ahead, 'infinity')
        ) as premade,
        coalesce(m.ahead, '{}') as missing_ahead,
        coalesce(m.behind, '{}') as missing_behind,
        ops.rows_in_default_leaves(s.parent) as rows_in_default_leaves,
        (
            select count(*)
            from periods as p
            inner join pg_catalog.pg_inherits as i on p.period = i.inhparent
            inner join pg_catalog.pg_class as c on i.inhrelid = c.oid
            left join core.regions as r
                on substring(pg_catalog.pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([^'']+)''\)') = r.prefix
            inner join pg_catalog.pg_partitioned_table as d on i.inhparent = d.partrelid
            where p.parent = s.parent and p.state = 'attached' and i.inhrelid <> d.partdefid and r.prefix is null
        ) as unlisted_leaves,
        coalesce(t.plain, '{}') as plain,
        coalesce(t.detaching, '{}') as detaching,
        coalesce(t.detached, '{}') as detached,
        coalesce(t.foreign_owned, '{}') as foreign_owned,
        t.due,
        q.rows_in_all as quarantined,
        q.rows_of_a_day as quarantined_in_a_day,
        q.rows_without_period,
        n.began_at as last_maintenance_at,
        n.problem as last_maintenance_problem,
        n.was_killed,
        n.runs,
        coalesce(n.last_success_at, installed.installed_at) < now() - interval '2 days' as is_overdue,
        n.last_success_at,
        t.next_retirement,
        t.next_retirement_at
    from sets as s
    left join standing as t on s.parent = t.parent
    left join missing as m on s.parent = m.parent
    left join maintenance as n on s.parent = n.parent
    left join quarantine as q on s.parent = q.parent
    cross join (select min(x.began_at) as installed_at from core.migrations as x) as installed
),

problems as (
    select
        f.parent,
        p.severity,
        p.sentence
    from facts as f
    cross join
        lateral (
            values
            (
                2, f.premade < ceil(f.premake / 2.0),
                format(
                    'Only %s of %s periods ahead are there; rows of later ones will be quarantined or refused. Run maintain.',
                    f.premade, f.premake
                )
            ),
            (
                2, f.missing_ahead <> '{}',
                format(
                    'Periods are missing between now and the last one (%s, the first is %s). Run maintain.',
                    cardinality(f.missing_ahead), to_char(f.missing_ahead[1] at time zone 'UTC', f.written)
                )
            ),
            (
                2, f.missing_behind <> '{}',
                format(
                    'Periods for late rows are missing (%s, the first is %s). Run maintain, or restore what was detached.',
                    cardinality(f.missing_behind), to_char(f.missing_behind[1] at time zone 'UTC', f.written)
                )
            ),
            (
                2, f.detaching <> '{}' and not f.runs,
                format(
                    'The detach of %s is unfinished, and nothing else can be detached. Run maintain.',
                    to_char(f.detaching[1] at time zone 'UTC', f.written)
                )
            ),
            (
                2, f.last_maintenance_problem is not null,
                format(
                    'The last maintenance (%s) failed: %s.',
                    to_char(f.last_maintenance_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI'),
                    rtrim(f.last_maintenance_problem, '.')
                )
            ),
            (
                2, f.was_killed and f.last_maintenance_at is not null,
                format(
                    'The last maintenance (%s) did not come to its end. Run maintain.',
                    to_char(f.last_maintenance_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI')
                )
            ),
            (
                2, f.is_overdue,
                'There has been no successful maintenance '
                || coalesce('since ' || to_char(f.last_success_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI'), 'yet')
                || ': schedule it daily.'
            ),
            (
                1, f.premade >= ceil(f.premake / 2.0) and f.premade < f.premake - 1,
                format('%s of %s periods ahead are there: maintenance is late.', f.premade, f.premake)
            ),
            (
                1, f.rows_in_default_leaves >= 1000,
                format(
                    'Many rows are in default leaves (%s or more), where every search of their period reads. Run regions fill.',
                    to_char(f.rows_in_default_leaves, 'FM999,999,999')
                )
            ),
            (
                1, f.unlisted_leaves > 0,
                format(
                    'Leaves are of no region (%s): a split or merge did not come to its end. Run it again.',
                    f.unlisted_leaves
                )
            ),
            (
                1, f.plain <> '{}',
                format(
                    'pg_partman has made periods by itself, which have no leaves (%s, the first is %s). Run maintain.',
                    cardinality(f.plain), to_char(f.plain[1] at time zone 'UTC', f.written)
                )
            ),
            (
                1, f.foreign_owned <> '{}',
                format(
                    '%s is not owned by the owner of its set, who can neither archive nor detach it: alter table %1$s owner to saferoute_owner.',
                    f.foreign_owned[1]
                )
            ),
            (
                1, f.detached <> '{}',
                format(
                    'Detached periods stand beside the set (%s, the first is %s). Run maintain: what is due is archived and dropped.',
                    cardinality(f.detached), to_char(f.detached[1] at time zone 'UTC', f.written)
                )
            ),
            (
                1, f.next_retirement_at < now() - interval '2 days',
                format(
                    'Periods are past their retention (%s, the first is %s). Run maintain.',
                    f.due, to_char(f.next_retirement at time zone 'UTC', f.written)
                )
            ),
            (
                1, f.rows_without_period > 0,
                format('Quarantined points wait for their period (%s). Run maintain.', f.rows_without_period)
            ),
            (
                1, f.quarantined_in_a_day >= 1000,
                format('Much was quarantined within a day (%s rows). See saferoute quarantine.', f.quarantined_in_a_day)
            )
        ) as p (severity, applies, sentence)
    where p.applies
)

select
    f.parent,
    case p.severity when 2 then 'red' when 1 then 'yellow' else 'green' end as state,
    coalesce(p.sentences, '{}') as problems,
    f.periods,
    f.leaves,
    f.row_estimate,
    f.bytes,
    f.lower_bound,
    f.upper_bound,
    f.premade,
    f.missing_ahead,
    f.missing_behind,
    f.rows_in_default_leaves,
    f.unlisted_leaves,
    f.plain,
    f.detaching,
    f.detached,
    f.due,
    f.quarantined,
    f.quarantined_in_a_day,
    f.last_maintenance_at,
    f.last_maintenance_problem,
    f.next_retirement,
    f.next_retirement_at
from facts as f
left join (
    select
        x.parent,
        max(x.severity) as severity,
        array_agg(x.sentence order by x.severity desc, x.sentence asc) as sentences
    from problems as x
    group by x.parent
) as p on f.parent = p.parent;

comment on view ops.partition_health is 'One row per partition set: what stands, what is missing, what is odd, and what to do about it.';
comment on column ops.partition_health.state is 'red: inserts fail or will within days, or nobody looks after the set; yellow: something to see to; green.';
comment on column ops.partition_health.problems is 'What is wrong, red before yellow, and which `saferoute partitions` command helps.';
comment on column ops.partition_health.periods is 'Attached ones.';
comment on column ops.partition_health.bytes is 'Of all tables that stand, in the set or beside it, with indexes.';
comment on column ops.partition_health.premade is 'Periods after the current one, up to the first that is missing. Red below half of part_config.premake.';
comment on column ops.partition_health.missing_ahead is 'Lower bounds of missing periods from the current one to the last that stands.';
comment on column ops.partition_health.missing_behind is 'The same before the current one, as far back as partition_sets.keep_behind and retention reach. Periods in an archive are not missing.';
comment on column ops.partition_health.rows_in_default_leaves is 'Counted to 1,000 in each leaf.';
comment on column ops.partition_health.unlisted_leaves is 'Leaves whose prefix is not in core.regions.';
comment on column ops.partition_health.plain is 'Periods that pg_partman made by itself: plain tables, until upkeep adopts them.';
comment on column ops.partition_health.detaching is 'Periods with an interrupted DETACH CONCURRENTLY.';
comment on column ops.partition_health.detached is 'Periods that stand beside the set; their rows are not in it.';
comment on column ops.partition_health.due is 'Periods past part_config.retention that still stand.';
comment on column ops.partition_health.quarantined is 'Quarantined points, or rejected crimes that nobody has settled.';
comment on column ops.partition_health.last_maintenance_at is 'When the last run that ended, or was killed, began.';
comment on column ops.partition_health.next_retirement is 'The period that is due next (or is due already).';
grant select on ops.partition_health to operator;
