create or replace function core.alarm_id(p_watch core.watches) returns uuid
language sql immutable parallel safe security invoker
set search_path = pg_catalog, pg_temp
as $$
select encode(set_byte(set_byte(
    d.digest, 6, get_byte(d.digest, 6) & 15 | 128 -- version 8: of one's own making
), 8, get_byte(d.digest, 8) & 63 | 128), 'hex')::uuid
from (
    select substring(sha256(convert_to(p_watch.journey_id || ' ' || extract(epoch from p_watch.state_since), 'UTF8')) for 16) as digest
) as d
$$;

comment on function core.alarm_id(core.watches) is
'Id of the alert that is raised for a walk because it has been overdue since then: tried again, it is the same alert.';
revoke all on function core.alarm_id(core.watches) from public;
grant execute on function core.alarm_id(core.watches) to saferoute_tasks;
