create or replace function ops.replication_limits(out lag_tolerant text[], out max_replay_lag_s double precision)
returns record
language plpgsql stable parallel safe security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
    lag_tolerant := regexp_split_to_array(
        trim(coalesce(nullif(current_setting('saferoute.lag_tolerant_replicas', true), ''), 'analysts')), '\s*,\s*'
    );
    max_replay_lag_s := coalesce(nullif(current_setting('saferoute.max_replay_lag_s', true), ''), '30')::double precision;
end
$$;

comment on function ops.replication_limits() is
'What ops.replication_health and ops.replay_health judge by: which standbys may be behind (lag_tolerant), and how many seconds the others may be. The saferoute command sets both from its settings; psql has what `alter database ... set saferoute.lag_tolerant_replicas = ''analysts,reports''` and saferoute.max_replay_lag_s say, without them analysts and 30.';
revoke all on function ops.replication_limits() from public;
grant execute on function ops.replication_limits() to operator;
