create or replace function core.told_alert(p_user_id uuid, p_alert_id uuid) returns core.alerts
language plpgsql stable parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_alert core.alerts;
begin
    -- Policies read it: of the alerts of others there is the one that the caller asks for, if they were told of it.
    perform set_config('request.alert_id', coalesce(p_alert_id::text, ''), true);
    select a.* into v_alert
    from core.alerts as a
    where a.alert_id = p_alert_id and exists (
        select from core.inbox_entries as e where e.alert_id = p_alert_id and e.user_id = p_user_id
    );
    if not found then
        perform core.fail('SR090', format('alert %s', coalesce(p_alert_id::text, 'null')));
    end if;
    return v_alert;
end
$$;

comment on function core.told_alert(uuid, uuid) is
'The alert with this id, if the person raised it or was told of it in the app, also for the policies until the transaction ends; SR090 where not, whether or not it is somebody elses.';
revoke all on function core.told_alert(uuid, uuid) from public;
grant execute on function core.told_alert(uuid, uuid) to saferoute_api;
