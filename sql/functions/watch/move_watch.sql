create or replace function core.move_watch(
    p_watch core.watches, p_state text, p_reason text, p_at timestamptz, p_content jsonb default null
) returns core.watches
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_from text := p_watch.state;
begin
    if (v_from, p_state) not in (
        ('planned', 'active'), ('planned', 'ended'),
        ('active', 'late'), ('active', 'ended'),
        ('late', 'active'), ('late', 'overdue'), ('late', 'ended'),
        ('overdue', 'active'), ('overdue', 'alarm'), ('overdue', 'ended'),
        ('alarm', 'active'), ('alarm', 'ended')
    ) then
        raise exception using
            errcode = 'object_not_in_prerequisite_state',
            message = format('a watch does not come from %s to %s', v_from, p_state);
    end if;
    update core.watches as w set
        state = p_state,
        reason = p_reason,
        state_since = p_at,
        is_alarm_due = false,
        next_look_at = case when p_state <> 'ended' then p_at end,
        ended_at = case when p_state = 'ended' then p_at end
    where w.journey_id = p_watch.journey_id and w.state = v_from
    returning w.* into p_watch;
    if not found then
        raise exception using
            errcode = 'object_not_in_prerequisite_state',
            message = format('the watch is no longer %s', v_from);
    end if;
    return core.note_journey_event(p_watch, 'state', v_from, p_reason, p_content, p_at);
end
$$;

comment on function core.move_watch(core.watches, text, text, timestamptz, jsonb) is
'The only way a watch, which the caller has locked, changes its state: as docs/reference/watch.md draws, with an event that says why; the watch as it then is. Any other change is refused.';
revoke all on function core.move_watch(core.watches, text, text, timestamptz, jsonb) from public;
grant execute on function core.move_watch(core.watches, text, text, timestamptz, jsonb) to saferoute_api, saferoute_tasks;
