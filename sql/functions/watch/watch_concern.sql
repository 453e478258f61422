create or replace function core.watch_concern(p_watch core.watches, p_now timestamptz) returns text
language sql immutable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select d.cause
from core.watch_dues(p_watch) as d
where d.due_at <= p_now
order by d.due_at, d.cause
limit 1
$$;

comment on function core.watch_concern(core.watches, timestamptz) is
'The oldest concern about a watched walk; null where all is well.';
revoke all on function core.watch_concern(core.watches, timestamptz) from public;
grant execute on function core.watch_concern(core.watches, timestamptz) to saferoute_api, saferoute_tasks;
