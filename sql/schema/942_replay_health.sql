-- How this server follows another: a row on a standby, none on a primary.
create or replace view ops.replay_health as
with replay as (
    select
        coalesce(nullif(current_setting('primary_slot_name'), ''), current_setting('cluster_name')) as name,
        l.lag_tolerant,
        p.timeline,
        r.sender_host || ':' || r.sender_port as upstream,
        coalesce(r.status, 'absent') as link,
        r.last_msg_receipt_time as last_heard_at,
        pg_wal_lsn_diff(greatest(pg_last_wal_receive_lsn(), p.lsn), p.lsn)::bigint as unreplayed_bytes,
        case
            when r.status is null then null
            when pg_last_wal_receive_lsn() <= p.lsn then interval '0'
            when pg_last_xact_replay_timestamp() < clock_timestamp() then clock_timestamp() - pg_last_xact_replay_timestamp()
        end as replay_lag,
        pg_last_xact_replay_timestamp() as shows_until,
        pg_get_wal_replay_pause_state() as replay,
        c.confl_tablespace,
        c.confl_lock,
        c.confl_snapshot,
        c.confl_bufferpin,
        c.confl_deadlock
    from ops.wal_position() as p
    cross join ops.replication_limits() as l
    left join pg_catalog.pg_stat_wal_receiver as r on true
    left join pg_catalog.pg_stat_database_conflicts as c on c.datname = current_database()
    where p.is_standby
),

judged as (
    select
        r.*,
        r.name = any(r.lag_tolerant) as is_lag_tolerant
    from replay as r
),

problems as (
    select
        max(p.severity) as severity,
        array_agg(p.sentence order by p.severity desc, p.sentence asc) as sentences
    from judged as j
    cross join
        lateral (
            values
            (
                case when j.is_lag_tolerant then 1 else 2 end, j.link <> 'streaming',
                'It receives nothing: the primary is down, cut off, or refuses it (the log of this server says).'
            ),
            (
                case when j.is_lag_tolerant then 1 else 2 end, j.replay <> 'not paused',
                'Replay is paused: select pg_wal_replay_resume() as a superuser goes on with it.'
            )
        ) as p (severity, applies, sentence)
    where p.applies
)

select
    j.name,
    case p.severity when 2 then 'red' when 1 then 'yellow' else 'green' end as state,
    coalesce(p.sentences, '{}') as problems,
    j.is_lag_tolerant,
    j.timeline,
    j.upstream,
    j.link,
    j.last_heard_at,
    j.replay,
    j.unreplayed_bytes,
    round(extract(epoch from j.replay_lag), 3) as replay_lag_s,
    j.shows_until,
    j.confl_tablespace as cancelled_by_tablespace,
    j.confl_lock as cancelled_by_lock,
    j.confl_snapshot as cancelled_by_snapshot,
    j.confl_bufferpin as cancelled_by_bufferpin,
    j.confl_deadlock as cancelled_by_deadlock
from judged as j
cross join problems as p;

comment on view ops.replay_health is 'How this server follows another: one row on a standby, none on a primary. See ops.replication_health for the other side.';
comment on column ops.replay_health.name is 'Its name on the primary: that of its slot, as in ops.replication_health.';
comment on column ops.replay_health.state is 'red: what it shows is old, or will be; yellow: something to see to; green.';
comment on column ops.replay_health.problems is 'What is wrong, red before yellow, and what helps.';
comment on column ops.replay_health.is_lag_tolerant is 'Whether it may be behind, as the analysts'' standby may (ops.replication_limits).';
comment on column ops.replay_health.timeline is 'The timeline it replays. It grows by one with every promotion; a standby on an older one than the primary does not follow it.';
comment on column ops.replay_health.upstream is 'The server it streams from, host:port; null where it does not.';
comment on column ops.replay_health.link is 'State of its WAL receiver: streaming, starting, waiting, ...; absent where there is none.';
comment on column ops.replay_health.last_heard_at is 'When it last received a message from there, by its own clock.';
comment on column ops.replay_health.replay is 'not paused, pause requested or paused (pg_wal_replay_pause).';
comment on column ops.replay_health.unreplayed_bytes is 'WAL that it has and does not show yet, in bytes.';
comment on column ops.replay_health.replay_lag_s is 'At most so many seconds old is what it shows: since the last commit it has replayed was made, by the clocks of both servers. 0 where it has replayed all that it has received; null where it receives nothing, or has replayed no commit since it was started. After an hour without writes it is an hour for the moment that the next one takes: ops.replication_health tells it exactly.';
comment on column ops.replay_health.shows_until is 'When the last commit that it shows was made, by the primary''s clock. Without writes it stands still.';
comment on column ops.replay_health.cancelled_by_tablespace is 'Queries of this database that replay has cancelled since its statistics were reset: a tablespace was dropped.';
comment on column ops.replay_health.cancelled_by_lock is 'The same: a table was altered, detached or dropped.';
comment on column ops.replay_health.cancelled_by_snapshot is 'The same: rows that the query might still have seen were vacuumed.';
comment on column ops.replay_health.cancelled_by_bufferpin is 'The same: the query held a page that vacuum was to clean.';
comment on column ops.replay_health.cancelled_by_deadlock is 'The same: query and replay waited for each other.';
grant select on ops.replay_health to operator;
