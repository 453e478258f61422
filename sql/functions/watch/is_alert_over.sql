create or replace function core.is_alert_over(p_alert_id uuid) returns boolean
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
-- Gone with the person, too.
select not exists (
    select from core.alerts as a
    where a.alert_id = p_alert_id and a.ended_at is null and a.shown_ended_at is null
)
$$;

comment on function core.is_alert_over(uuid) is
'Whether an alert has ended, or looks so to the walker, who was made to cancel it: whoever stands beside them sees the same on either.';
revoke all on function core.is_alert_over(uuid) from public;
grant execute on function core.is_alert_over(uuid) to saferoute_tasks;
