create or replace function core.note_journey_event(
    p_watch core.watches, p_event text, p_from_state text, p_reason text, p_content jsonb, p_at timestamptz
) returns core.watches
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_event core.journey_events;
begin
    insert into core.journey_events (journey_id, seq, user_id, event, from_state, state, reason, eta, content, at)
    values (
        p_watch.journey_id,
        -- The watch is locked: whoever comes next waits for this to commit, so no watcher sees a later seq first.
        greatest(core.microseconds(p_at), p_watch.last_seq + 1),
        p_watch.user_id, p_event, p_from_state, p_watch.state, p_reason, coalesce(p_watch.eta, p_watch.expected_at), p_content, p_at
    )
    returning * into v_event;
    p_watch.last_seq := v_event.seq;
    if p_event in ('state', 'eta') then
        p_watch.told_eta := v_event.eta;
        -- What the sweep finds reaches watchers when the gateways next ask.
        if core.current_user_id() is not null then
            perform core.publish('journey:' || p_watch.journey_id, core.state_message(v_event));
        end if;
    end if;
    update core.watches as w set last_seq = p_watch.last_seq, told_eta = p_watch.told_eta
    where w.journey_id = p_watch.journey_id;
    return p_watch;
end
$$;

comment on function core.note_journey_event(core.watches, text, text, text, jsonb, timestamptz) is
'Add what has happened to the events of a watched walk, whose watch the caller has locked, and have its watchers told where it is of their concern; the watch as it then is.';
revoke all on function core.note_journey_event(core.watches, text, text, text, jsonb, timestamptz) from public;
grant execute on function core.note_journey_event(core.watches, text, text, text, jsonb, timestamptz)
to saferoute_api, saferoute_tasks;
