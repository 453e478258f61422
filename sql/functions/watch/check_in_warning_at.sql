create or replace function core.check_in_warning_at(p_watch core.watches) returns timestamptz
language sql immutable parallel safe security invoker
as $$
select greatest(p_watch.checked_in_at, p_watch.starts_at) + p_watch.check_in_every
    - least(interval '2 minutes', p_watch.check_in_every / 4)
$$;

comment on function core.check_in_warning_at(core.watches) is
'When the walker is reminded of their next check-in: two minutes before it is due, or a quarter of the time between two where that is less; null without check-ins. Inlined, so it has no search_path of its own.';
revoke all on function core.check_in_warning_at(core.watches) from public;
grant execute on function core.check_in_warning_at(core.watches) to saferoute_tasks;
