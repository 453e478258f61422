create or replace function ops.verify_alert_chain(
    p_alert_id uuid default null
) returns table (alert_id uuid, number integer, problem text)
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select p.alert_id, p.number, p.problem from core.alert_problems(p_alert_id) as p
$$;

comment on function ops.verify_alert_chain(uuid) is
'Events of alerts that are not as they were written: changed, added, or taken out, of one alert or of all. No row where everything is in order. Reads every event.';
revoke all on function ops.verify_alert_chain(uuid) from public;
grant execute on function ops.verify_alert_chain(uuid) to operator;
