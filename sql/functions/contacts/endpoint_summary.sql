create or replace function core.endpoint_summary(p_endpoint_id uuid) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select json_build_object(
    'endpoint_id', e.endpoint_id, 'channel', e.channel, 'url', e.url, 'added_at', e.added_at
)
from core.notification_endpoints as e
where e.endpoint_id = p_endpoint_id
$$;

comment on function core.endpoint_summary(uuid) is
'A browser or webhook as its owner sees it.';
revoke all on function core.endpoint_summary(uuid) from public;
grant execute on function core.endpoint_summary(uuid) to saferoute_api;
