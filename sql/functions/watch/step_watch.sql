create or replace function core.step_watch(p_watch core.watches, p_now timestamptz, out watch core.watches, out warning text)
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_next record := core.next_concern(p_watch);
    v_concern text := case when v_next.due_at <= p_now then v_next.cause end;
    v_is_over boolean;
begin
    watch := p_watch;
    -- Nothing that it was to see can come any more.
    v_is_over := p_now > greatest(watch.starts_at, watch.expected_at, watch.checked_in_at, watch.heard_at) + interval '24 hours';
    if watch.state = 'planned' and watch.starts_at <= p_now then
        watch := core.move_watch(watch, 'active', 'started', p_now);
    elsif watch.state = 'alarm' and core.is_alert_over(watch.alert_id) then
        -- Whatever it was raised for is known by now.
        update core.watches as w set
            checked_in_at = p_now, is_straying_known = w.is_straying_known or w.strayed_at is not null, strayed_at = null, crossed_at = null
        where w.journey_id = watch.journey_id
        returning w.* into watch;
        update core.geofences as g set crossed_at = null where g.journey_id = watch.journey_id and g.crossed_at is not null;
        watch := core.move_watch(watch, 'active', 'alert_ended', p_now);
    elsif watch.state in ('active', 'alarm') and v_is_over and (watch.state = 'alarm' or v_concern is null) then
        watch := core.move_watch(watch, 'ended', 'given_up', p_now);
    elsif watch.state = 'active' and v_concern is not null then
        watch := core.move_watch(watch, 'late', v_concern, p_now);
        warning := 'late';
    elsif watch.state in ('late', 'overdue') and v_concern is null then
        watch := core.move_watch(watch, 'active', 'cleared', p_now);
    elsif watch.state = 'late' and p_now >= watch.state_since + watch.grace then
        watch := core.move_watch(watch, 'overdue', v_concern, p_now);
        warning := 'overdue';
    elsif watch.state = 'overdue' and p_now >= watch.state_since + watch.grace and not watch.is_alarm_due then
        update core.watches as w set is_alarm_due = true, reason = v_concern
        where w.journey_id = watch.journey_id
        returning w.* into watch;
    elsif watch.state = 'active' and core.check_in_warning_at(watch) <= p_now
        and core.check_in_warning_at(watch) is distinct from watch.warned_for
    then
        update core.watches as w set warned_for = core.check_in_warning_at(w)
        where w.journey_id = watch.journey_id
        returning w.* into watch;
        watch := core.note_journey_event(watch, 'check_in_due', null, 'check_in', null, p_now);
        warning := 'check_in_due';
    end if;
end
$$;

comment on function core.step_watch(core.watches, timestamptz) is
'One step of a watched walk, which the caller has locked, as docs/reference/watch.md draws: at most one, however late it is, so that the walker always has grace to react to what they were told; the watch as it then is, and what the walker is to be told: check_in_due, late, overdue or nothing.';
revoke all on function core.step_watch(core.watches, timestamptz) from public;
grant execute on function core.step_watch(core.watches, timestamptz) to saferoute_tasks;
