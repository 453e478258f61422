create or replace function core.acknowledge_alert(p_user_id uuid, p_alert_id uuid) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_alert core.alerts := core.told_alert(p_user_id, p_alert_id);
    v_contact_id uuid := core.told_contact_id(p_alert_id, p_user_id);
begin
    if v_contact_id is null then
        perform core.fail('SR090', format('alert %s', p_alert_id));
    end if;
    if not core.acknowledge(p_alert_id, v_contact_id, 'app') then
        perform core.fail('SR092');
    end if;
    select a.* into v_alert from core.alerts as a where a.alert_id = p_alert_id;
    return core.told_summary(v_alert, v_contact_id);
end
$$;

comment on function core.acknowledge_alert(uuid, uuid) is
'A contact who was told of an alert in the app takes care of it; the alert as they see it. SR090 where they were not told, also for the walker; SR092 where it has ended.';
revoke all on function core.acknowledge_alert(uuid, uuid) from public;
grant execute on function core.acknowledge_alert(uuid, uuid) to saferoute_api;
