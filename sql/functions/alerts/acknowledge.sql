create or replace function core.acknowledge(p_alert_id uuid, p_contact_id uuid, p_means text) returns boolean
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_alert core.alerts;
begin
    perform set_config('synchronous_commit', 'on', true);
    select a.* into strict v_alert from core.alerts as a where a.alert_id = p_alert_id for update;
    if v_alert.ended_at is not null then
        return false;
    end if;
    if v_alert.state = 'acknowledged' and exists (
        select from core.alert_deliveries as d
        where d.alert_id = p_alert_id and d.contact_id = p_contact_id and d.kind = core.alert_kind(v_alert)
            and d.state = 'acknowledged'
    ) then
        return true;
    end if;
    -- Their own messages have done their work; of others' those that are due still go out.
    update core.alert_deliveries as d set
        state = case when d.attempts > 0 then 'acknowledged' else 'cancelled' end,
        sent_at = case when d.attempts > 0 then coalesce(d.sent_at, clock_timestamp()) end,
        acknowledged_at = case when d.attempts > 0 then clock_timestamp() end
    where d.alert_id = p_alert_id and d.contact_id = p_contact_id and d.kind = core.alert_kind(v_alert)
        and d.state in ('queued', 'sent', 'delivered', 'read');
    if v_alert.state <> 'acknowledged' then
        update core.alert_deliveries as d set state = 'cancelled'
        where d.alert_id = p_alert_id and d.kind = core.alert_kind(v_alert) and d.state = 'queued' and d.attempts = 0
            and d.due_at > clock_timestamp();
        update core.alerts as a set
            state = 'acknowledged',
            acknowledged_at = coalesce(a.acknowledged_at, clock_timestamp()),
            acknowledged_by = p_contact_id,
            next_tier_at = null,
            follow_up = 'acknowledged'
        where a.alert_id = p_alert_id;
    end if;
    perform core.append_alert_event(
        p_alert_id, 'acknowledged', null, jsonb_build_object('contact_id', p_contact_id, 'means', p_means)
    );
    perform core.enqueue_task('alarm', 'escalate', '[]');
    return true;
end
$$;

comment on function core.acknowledge(uuid, uuid, text) is
'A contact takes care of an alert, by p_means (app, link, sms, voice): no further tier is told, the walker and those who were told hear of it. False, and nothing is written, where the alert has ended. Whoever says so after the first is noted too; the same contact again changes nothing.';
revoke all on function core.acknowledge(uuid, uuid, text) from public;
grant execute on function core.acknowledge(uuid, uuid, text) to saferoute_api, saferoute_tasks;
