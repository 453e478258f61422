create or replace function core.check_in_warning_at(p_watch core.watches) returns timestamptz
language sql immutable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select d.due_at - least(interval '2 minutes', p_watch.check_in_every / 4)
from core.watch_dues(p_watch) as d
where d.cause = 'check_in'
$$;

comment on function core.check_in_warning_at(core.watches) is
'When the walker is reminded of their next check-in: two minutes before it is due, or a quarter of the time between two where that is less; null without check-ins.';
revoke all on function core.check_in_warning_at(core.watches) from public;
grant execute on function core.check_in_warning_at(core.watches) to saferoute_tasks;
