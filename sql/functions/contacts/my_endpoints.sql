create or replace function core.my_endpoints(p_user_id uuid) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select coalesce(json_agg(core.endpoint_summary(e.endpoint_id) order by e.added_at, e.endpoint_id), '[]')
from core.notification_endpoints as e
where e.user_id = p_user_id
$$;

comment on function core.my_endpoints(uuid) is
'The browsers and webhooks of a person.';
revoke all on function core.my_endpoints(uuid) from public;
grant execute on function core.my_endpoints(uuid) to saferoute_api;
