-- Who may have how many connections to this server, and has.
create or replace view ops.connection_budget as
with bounds as (
    select
        current_setting('max_connections')::integer as most,
        current_setting('superuser_reserved_connections')::integer
        + coalesce(current_setting('reserved_connections', true), '0')::integer as reserved -- since PostgreSQL 16
),

-- Streams of standbys are counted apart, by max_wal_senders.
open as (
    select
        r.rolname,
        r.rolsuper,
        count(*)::integer as used
    from pg_catalog.pg_stat_activity as a
    inner join pg_catalog.pg_roles as r on a.usesysid = r.oid
    where a.backend_type = 'client backend'
    group by r.rolname, r.rolsuper
),

shares as (
    select
        1 as place,
        r.rolname::text as consumer,
        nullif(r.rolconnlimit, -1) as allowed,
        o.used
    from pg_catalog.pg_roles as r
    left join open as o on r.rolname = o.rolname
    where r.rolname in ('worker', 'saferoute_owner', 'operator')
    union all
    select
        2 as place,
        'superusers' as consumer,
        b.reserved as allowed,
        sum(o.used)::integer as used
    from bounds as b
    left join open as o on o.rolsuper
    group by b.reserved
    union all
    select
        3 as place,
        'others' as consumer,
        null as allowed,
        sum(o.used)::integer as used
    from open as o
    where not o.rolsuper and o.rolname not in ('authenticator', 'worker', 'saferoute_owner', 'operator')
)

select
    s.consumer,
    s.allowed,
    coalesce(s.used, 0) as used
from (
    select
        0 as place,
        'authenticator' as consumer,
        b.most - (select sum(s.allowed) from shares as s)::integer as allowed,
        o.used
    from bounds as b
    left join open as o on o.rolname = 'authenticator'
    union all
    select * from shares
    union all
    select
        4 as place,
        'everybody' as consumer,
        b.most as allowed,
        (select sum(o.used)::integer from open as o) as used
    from bounds as b
) as s
order by s.place, s.consumer;

comment on view ops.connection_budget is 'Who may have how many connections to this server, and has. What is left to authenticator, which is the API, is what SAFEROUTE_DATABASE_CONNECTIONS may be at most.';
comment on column ops.connection_budget.consumer is 'A role; superusers; all other roles; everybody.';
comment on column ops.connection_budget.allowed is 'Of a role its CONNECTION LIMIT (ALTER ROLE changes it), of superusers what is reserved for them, of authenticator what all these leave of max_connections. Null: not limited.';
comment on column ops.connection_budget.used is 'Connections that are open now. Superusers may have more than is reserved for them.';
grant select on ops.connection_budget to operator;
