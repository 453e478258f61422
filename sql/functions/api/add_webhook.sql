create or replace function api.add_webhook(endpoint_id uuid, url text) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.add_endpoint(core.require_user(), endpoint_id, 'webhook', url, null, null)
$$;

comment on function api.add_webhook(uuid, text) is
'Have alerts of the people whose contact the caller is posted to this https address. The answer holds the secret under which each post is signed; it is shown this once.';
alter function api.add_webhook(uuid, text) owner to saferoute_api;
revoke all on function api.add_webhook(uuid, text) from public;
grant execute on function api.add_webhook(uuid, text) to authenticated;
