-- Who follows this server. A standby that is away has a slot still, which keeps WAL for it.
create or replace view ops.replication_health as
with links as (
    select
        n.name,
        n.name = any(l.lag_tolerant) as is_lag_tolerant,
        l.max_replay_lag_s,
        r.client_addr as address,
        coalesce(r.state, 'absent') collate "default" as link,
        r.sync_state,
        r.backend_start as connected_at,
        pg_wal_lsn_diff(e.lsn, r.sent_lsn)::bigint as unsent_bytes,
        pg_wal_lsn_diff(e.lsn, r.flush_lsn)::bigint as unflushed_bytes,
        pg_wal_lsn_diff(e.lsn, r.replay_lsn)::bigint as unreplayed_bytes,
        -- PostgreSQL forgets them once a standby has it all.
        coalesce(r.flush_lag, case when r.flush_lsn >= e.lsn then interval '0' end) as flush_lag,
        coalesce(r.replay_lag, case when r.replay_lsn >= e.lsn then interval '0' end) as replay_lag,
        s.slot_name::text collate "default" as slot,
        pg_wal_lsn_diff(e.lsn, s.restart_lsn)::bigint as retained_bytes,
        s.safe_wal_size as spare_bytes,
        s.wal_status
    from pg_catalog.pg_stat_replication as r
    full join (
        -- On a standby, slots without a stream are Patroni's copies of those of the primary.
        select p.* from pg_catalog.pg_replication_slots as p
        where p.slot_type = 'physical' and (p.active or not pg_is_in_recovery())
    ) as s on r.pid = s.active_pid
    cross join ops.replication_limits() as l
    cross join lateral (select coalesce(r.application_name, s.slot_name::text) collate "default" as name) as n
    cross join lateral (
        select case when pg_is_in_recovery() then pg_last_wal_receive_lsn() else pg_current_wal_lsn() end as lsn
    ) as e
),

problems as (
    select
        l.name,
        l.slot,
        max(p.severity) as severity,
        array_agg(p.sentence order by p.severity desc, p.sentence asc) as sentences
    from links as l
    cross join
        lateral (
            values
            (
                2, l.wal_status = 'lost',
                'The WAL it lacks is gone from this server: it has to be copied anew (saferoute replicas add).'
            ),
            (
                2, l.wal_status = 'unreserved',
                'The WAL it lacks goes with the next checkpoint: it has to catch up now.'
            ),
            (
                case when l.is_lag_tolerant then 1 else 2 end, l.link = 'absent' and l.wal_status is distinct from 'lost',
                'It does not stream: it is down, cut off, or may not sign in (its log says). If it is gone for good, remove it (saferoute replicas remove): this server keeps WAL for it.'
            ),
            (
                1, l.link in ('startup', 'catchup'),
                'It is catching up with what was written while it was away.'
            ),
            (
                2, not l.is_lag_tolerant and l.replay_lag > make_interval(secs => l.max_replay_lag_s),
                format(
                    'It shows changes %s s late, more than %s.',
                    round(extract(epoch from l.replay_lag)), l.max_replay_lag_s
                )
            )
        ) as p (severity, applies, sentence)
    where p.applies
    group by l.name, l.slot
)

select
    l.name,
    case p.severity when 2 then 'red' when 1 then 'yellow' else 'green' end as state,
    coalesce(p.sentences, '{}') as problems,
    l.is_lag_tolerant,
    l.address,
    l.link,
    l.sync_state,
    l.connected_at,
    l.unsent_bytes,
    l.unflushed_bytes,
    l.unreplayed_bytes,
    round(extract(epoch from l.flush_lag), 3) as flush_lag_s,
    round(extract(epoch from l.replay_lag), 3) as replay_lag_s,
    l.slot,
    l.retained_bytes,
    l.spare_bytes,
    l.wal_status
from links as l
left join problems as p on l.name = p.name and l.slot is not distinct from p.slot;

comment on view ops.replication_health is 'Who follows this server: one row per standby that streams from it or has a slot on it. On the primary that is every standby; on a standby whoever cascades from it, mostly nobody. See ops.replay_health for the other side.';
comment on column ops.replication_health.name is 'Application name of the standby, which is that of its slot; the slot''s where nothing streams.';
comment on column ops.replication_health.state is 'red: it is of no use, or will not be; yellow: something to see to; green.';
comment on column ops.replication_health.problems is 'What is wrong, red before yellow, and what helps.';
comment on column ops.replication_health.is_lag_tolerant is 'Whether it may be behind, as the analysts'' standby may (ops.replication_limits).';
comment on column ops.replication_health.address is 'Where it connects from; null where it does not, or through a Unix socket.';
comment on column ops.replication_health.link is 'streaming; catchup (it is sent what it missed); startup; backup (a base backup is being taken); stopping; absent (a slot that nothing streams from).';
comment on column ops.replication_health.sync_state is 'sync or quorum: commits wait for it, or for some of those that say so; potential: they would if another went; async: they do not. Null where it does not stream.';
comment on column ops.replication_health.connected_at is 'Since when it has been streaming.';
comment on column ops.replication_health.unsent_bytes is 'WAL that this server has written and not sent to it, in bytes.';
comment on column ops.replication_health.unflushed_bytes is 'WAL that is not safe on its disk yet, in bytes: lost if this server is lost now and it takes over, unless commits waited.';
comment on column ops.replication_health.unreplayed_bytes is 'WAL that its reads do not show yet, in bytes.';
comment on column ops.replication_health.flush_lag_s is 'Seconds between a write here and its being safe there, as last measured; 0 where it has everything.';
comment on column ops.replication_health.replay_lag_s is 'Seconds between a write here and its being shown there, as last measured; 0 where it has everything. It grows while replay is paused.';
comment on column ops.replication_health.slot is 'Its replication slot on this server, which keeps WAL for it; null without one.';
comment on column ops.replication_health.retained_bytes is 'WAL that the slot keeps on this server''s disk, in bytes.';
comment on column ops.replication_health.spare_bytes is 'How much more may be written before the slot gives up (max_slot_wal_keep_size), in bytes; null without a limit.';
comment on column ops.replication_health.wal_status is 'Of what the slot keeps: reserved; extended (more than max_wal_size); unreserved (about to be removed); lost (removed: the standby has to be copied anew).';
grant select on ops.replication_health to operator;
