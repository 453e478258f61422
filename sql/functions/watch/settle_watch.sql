create or replace function core.settle_watch(p_watch core.watches, p_reason text, p_now timestamptz) returns core.watches
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_concern record := core.next_concern(p_watch);
begin
    if p_watch.state in ('late', 'overdue') and coalesce(v_concern.due_at > p_now, true) then
        return core.move_watch(p_watch, 'active', p_reason, p_now);
    end if;
    update core.watches as w set next_look_at = p_now
    where w.journey_id = p_watch.journey_id
    returning w.* into p_watch;
    return p_watch;
end
$$;

comment on function core.settle_watch(core.watches, text, timestamptz) is
'After the walker has done something about a watch, which the caller has locked: it is active again where no concern is left, and the sweep looks at it next; the watch as it then is.';
revoke all on function core.settle_watch(core.watches, text, timestamptz) from public;
grant execute on function core.settle_watch(core.watches, text, timestamptz) to saferoute_api;
