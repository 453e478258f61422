create or replace function ops.wal_position(
    out is_standby boolean, out timeline integer, out lsn pg_lsn
) returns record
language plpgsql volatile parallel restricted security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    is_standby := pg_is_in_recovery();
    if not is_standby then
        lsn := pg_current_wal_flush_lsn();
        timeline := ('x' || left(pg_walfile_name(lsn), 8))::bit(32)::integer;
        return;
    end if;
    lsn := pg_last_wal_replay_lsn();
    -- Each may trail what is replayed, none leads it: the receiver asks for a timeline once replay has accepted it as
    -- the continuation of its own, and without a receiver the control file still tells of the last restart point.
    timeline := greatest(
        (select r.received_tli from pg_stat_wal_receiver as r),
        (select c.timeline_id from pg_control_checkpoint() as c),
        (select c.min_recovery_end_timeline from pg_control_recovery() as c)
    );
end
$$;

comment on function ops.wal_position() is
'How far this server is: on a primary its timeline and the WAL that is flushed, on a standby the WAL that is replayed and the timeline that it belongs to. SECURITY DEFINER: the WAL receiver tells its timeline to members of pg_read_all_stats only.';
revoke all on function ops.wal_position() from public;
grant execute on function ops.wal_position() to authenticator, operator;
