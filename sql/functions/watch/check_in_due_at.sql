create or replace function core.check_in_due_at(p_watch core.watches) returns timestamptz
language sql immutable parallel safe security invoker
as $$
select greatest(p_watch.checked_in_at, p_watch.starts_at) + p_watch.check_in_every
$$;

comment on function core.check_in_due_at(core.watches) is
'When the walker is to check in next; null without check-ins. Inlined, so it has no search_path of its own.';
revoke all on function core.check_in_due_at(core.watches) from public;
grant execute on function core.check_in_due_at(core.watches) to saferoute_api, saferoute_tasks;
