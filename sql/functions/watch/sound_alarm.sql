create or replace function core.sound_alarm(p_now timestamptz) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_now timestamptz := coalesce(p_now, clock_timestamp());
    v_watch core.watches;
begin
    -- Any of them: one that cannot be raised does not stand before the others for ever.
    select w.* into v_watch
    from core.watches as w
    where w.is_alarm_due
    order by random()
    limit 1
    for update skip locked;
    if not found then
        return null;
    end if;
    update core.watches as w set alert_id = core.alarm_id(w)
    where w.journey_id = v_watch.journey_id
    returning w.* into v_watch;
    v_watch := core.move_watch(v_watch, 'alarm', v_watch.reason, v_now, jsonb_build_object('alert_id', v_watch.alert_id));
    perform core.raise_alert(
        v_watch.alert_id, v_watch.user_id, v_watch.journey_id, v_watch.reason,
        st_x(v_watch.last_position), st_y(v_watch.last_position), null, false, false
    );
    return json_build_object('journey_id', v_watch.journey_id, 'alert_id', v_watch.alert_id);
end
$$;

comment on function core.sound_alarm(timestamptz) is
'Raise the alert of one walk for which nothing else is left; which, or null where there is none. One in a transaction: an alert locks the inboxes of those it tells, in order, and two in one would not be in order.';
revoke all on function core.sound_alarm(timestamptz) from public;
grant execute on function core.sound_alarm(timestamptz) to saferoute_tasks;
