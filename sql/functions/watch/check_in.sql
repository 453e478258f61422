create or replace function core.check_in(p_user_id uuid, p_journey_id uuid, p_now timestamptz) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_watch core.watches := core.own_watch(p_user_id, p_journey_id);
begin
    update core.watches as w set
        starts_at = least(w.starts_at, p_now),
        checked_in_at = greatest(w.checked_in_at, p_now),
        -- What they are told about is as they want it; the next time counts again.
        is_straying_known = w.is_straying_known or w.strayed_at is not null,
        strayed_at = null,
        crossed_at = null
    where w.journey_id = p_journey_id
    returning w.* into v_watch;
    update core.geofences as g set crossed_at = null
    where g.journey_id = p_journey_id and g.user_id = p_user_id and g.crossed_at is not null;
    v_watch := core.note_journey_event(v_watch, 'check_in', null, null, null, p_now);
    if v_watch.state = 'planned' then
        v_watch := core.move_watch(v_watch, 'active', 'check_in', p_now);
    end if;
    return core.watch_summary(core.settle_watch(v_watch, 'check_in', p_now));
end
$$;

comment on function core.check_in(uuid, uuid, timestamptz) is
'The walker says that all is well: every concern ends and the timers begin anew; a planned watch begins. It does not end an alarm: the alert is cancelled or resolved for that.';
revoke all on function core.check_in(uuid, uuid, timestamptz) from public;
grant execute on function core.check_in(uuid, uuid, timestamptz) to saferoute_api;
