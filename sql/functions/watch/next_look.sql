create or replace function core.next_look(p_watch core.watches, p_now timestamptz) returns timestamptz
language plpgsql immutable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_soon constant timestamptz := p_now + interval '15 seconds';
    v_concern record;
    v_warning_at timestamptz;
begin
    if p_watch.state = 'planned' then
        return p_watch.starts_at;
    elsif p_watch.state in ('late', 'overdue') then
        return least(v_soon, p_watch.state_since + p_watch.grace);
    elsif p_watch.state = 'active' then
        v_concern := core.next_concern(p_watch);
        v_warning_at := core.check_in_warning_at(p_watch);
        return least(v_soon, v_concern.due_at, case when v_warning_at > p_now then v_warning_at end);
    end if;
    return v_soon;
end
$$;

comment on function core.next_look(core.watches, timestamptz) is
'When the sweep is to look at a watched walk again: every 15 s for new positions, sooner where something is due before.';
revoke all on function core.next_look(core.watches, timestamptz) from public;
grant execute on function core.next_look(core.watches, timestamptz) to saferoute_tasks;
