create or replace function core.next_concern(p_watch core.watches, out cause text, out due_at timestamptz)
language plpgsql immutable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_check_in constant timestamptz := core.check_in_due_at(p_watch);
    v_overdue constant timestamptz := case
        -- Who says that all is well when they are late has ten minutes more.
        when p_watch.checked_in_at >= p_watch.expected_at then p_watch.checked_in_at + interval '10 minutes'
        else p_watch.expected_at
    end;
    v_silence constant timestamptz := greatest(p_watch.heard_at, p_watch.checked_in_at, p_watch.starts_at) + p_watch.silence_after;
begin
    -- PL/pgSQL and no query: two of these are asked for each look at a walk, and as a query each took 45 us.
    due_at := least(v_check_in, v_overdue, v_silence, p_watch.strayed_at, p_watch.crossed_at);
    cause := case due_at
        when v_check_in then 'check_in'
        when p_watch.strayed_at then 'deviation'
        when p_watch.crossed_at then 'geofence'
        when v_overdue then 'overdue'
        when v_silence then 'silence'
    end;
end
$$;

comment on function core.next_concern(core.watches) is
'What is the oldest concern about a watched walk, or will be the first unless something happens before, and from when on; null where there is nothing to come.';
revoke all on function core.next_concern(core.watches) from public;
grant execute on function core.next_concern(core.watches) to saferoute_api, saferoute_tasks;
