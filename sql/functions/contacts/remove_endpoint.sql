create or replace function core.remove_endpoint(p_user_id uuid, p_endpoint_id uuid) returns void
language sql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
delete from core.notification_endpoints as e where e.endpoint_id = p_endpoint_id and e.user_id = p_user_id
$$;

comment on function core.remove_endpoint(uuid, uuid) is
'Remove a browser or webhook of a person; one that is not there is removed already.';
revoke all on function core.remove_endpoint(uuid, uuid) from public;
grant execute on function core.remove_endpoint(uuid, uuid) to saferoute_api;
