create or replace function core.answered(p_delivery core.alert_deliveries, p_result text) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select json_build_object(
    'result', p_result, 'language', p_delivery.language, 'from_name', p_delivery.from_name, 'drill', a.is_drill
)
from core.alerts as a
where a.alert_id = p_delivery.alert_id
$$;

comment on function core.answered(core.alert_deliveries, text) is
'What to say to a contact who has answered a message: acknowledged, ended or not_understood, in which language and about whom.';
revoke all on function core.answered(core.alert_deliveries, text) from public;
grant execute on function core.answered(core.alert_deliveries, text) to saferoute_tasks;
