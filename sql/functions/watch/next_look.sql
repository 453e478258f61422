create or replace function core.next_look(p_watch core.watches, p_now timestamptz) returns timestamptz
language sql immutable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select case p_watch.state
    when 'planned' then p_watch.starts_at
    when 'alarm' then p_now + interval '15 seconds'
    else least(
        p_now + interval '15 seconds',
        case when p_watch.state in ('late', 'overdue') then p_watch.state_since + p_watch.grace end,
        case
            when p_watch.state = 'active' then least(
                (select min(d.due_at) from core.watch_dues(p_watch) as d),
                (
                    select c.at from core.check_in_warning_at(p_watch) as c (at)
                    where c.at > p_now
                )
            )
        end
    )
end
$$;

comment on function core.next_look(core.watches, timestamptz) is
'When the sweep is to look at a watched walk again: every 15 s for new positions, sooner where something is due before.';
revoke all on function core.next_look(core.watches, timestamptz) from public;
grant execute on function core.next_look(core.watches, timestamptz) to saferoute_tasks;
