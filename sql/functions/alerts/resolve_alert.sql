create or replace function core.resolve_alert(p_user_id uuid, p_alert_id uuid, p_code text) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_alert core.alerts := core.told_alert(p_user_id, p_alert_id);
    v_contact_id uuid := core.told_contact_id(p_alert_id, p_user_id);
begin
    if v_alert.user_id = p_user_id then
        return core.end_alert(p_user_id, p_alert_id, p_code, 'resolved');
    end if;
    perform set_config('synchronous_commit', 'on', true);
    select a.* into v_alert from core.alerts as a where a.alert_id = p_alert_id for update;
    if v_alert.ended_at is null then
        update core.alert_deliveries as d set state = 'cancelled'
        where d.alert_id = p_alert_id and d.state = 'queued'
            and (d.claimed_until is null or d.claimed_until <= clock_timestamp());
        update core.alerts as a set
            state = 'resolved',
            ended_at = clock_timestamp(),
            shown_state = coalesce(a.shown_state, 'resolved'),
            shown_ended_at = coalesce(a.shown_ended_at, clock_timestamp()),
            next_tier_at = null,
            follow_up = 'resolved'
        where a.alert_id = p_alert_id
        returning a.* into v_alert;
        perform core.append_alert_event(
            p_alert_id, 'resolved', null, jsonb_build_object('by', 'contact', 'contact_id', v_contact_id)
        );
        perform core.enqueue_task('alarm', 'escalate', '[]');
    elsif v_alert.state <> 'resolved' then
        perform core.fail('SR092');
    end if;
    return core.told_summary(v_alert, v_contact_id);
end
$$;

comment on function core.resolve_alert(uuid, uuid, text) is
'End an alert because the walker is safe: the walker as core.end_alert has it, or a contact who was told of it in the app. Whoever was told hears of it. SR090 where it is neither''s, SR092 where it was cancelled.';
revoke all on function core.resolve_alert(uuid, uuid, text) from public;
grant execute on function core.resolve_alert(uuid, uuid, text) to saferoute_api;
