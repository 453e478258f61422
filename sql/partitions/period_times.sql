create or replace function core.period_times(p_parent regclass) returns tstzmultirange
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select coalesce(range_agg(tstzrange(p.lower_bound, p.upper_bound)), '{}') from core.periods(p_parent) as p
$$;

comment on function core.period_times(regclass) is
'The times whose rows a partition set takes now: those of its attached periods.';
revoke all on function core.period_times(regclass) from public;
grant execute on function core.period_times(regclass) to saferoute_api, saferoute_ingest;
