create or replace function api.remove_endpoint(endpoint_id uuid) returns void
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.remove_endpoint(core.require_user(), endpoint_id)
$$;

comment on function api.remove_endpoint(uuid) is
'Remove a browser or webhook.';
alter function api.remove_endpoint(uuid) owner to saferoute_api;
revoke all on function api.remove_endpoint(uuid) from public;
grant execute on function api.remove_endpoint(uuid) to authenticated;
