create or replace function api.my_endpoints() returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.my_endpoints(core.require_user())
$$;

comment on function api.my_endpoints() is
'The browsers and webhooks where the caller is told of alerts.';
alter function api.my_endpoints() owner to saferoute_api;
revoke all on function api.my_endpoints() from public;
grant execute on function api.my_endpoints() to authenticated;
