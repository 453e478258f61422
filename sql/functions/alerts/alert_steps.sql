create or replace function core.alert_steps(p_alert core.alerts) returns setof core.escalation_steps
language sql stable parallel safe security invoker
as $$
select s.*
from core.escalation_steps as s
where s.cause = (
    select e.cause
    from core.escalation_steps as e
    where e.cause in (
        '*', case when p_alert.is_drill then 'drill' when p_alert.is_duress then 'duress' else p_alert.cause end
    )
    order by e.cause = '*'
    limit 1
)
order by s.tier
$$;

comment on function core.alert_steps(core.alerts) is
'Who is told of an alert, tier by tier. Inlined, so it has no search_path of its own.';
revoke all on function core.alert_steps(core.alerts) from public;
grant execute on function core.alert_steps(core.alerts) to saferoute_api, saferoute_tasks;
