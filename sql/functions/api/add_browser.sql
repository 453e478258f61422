create or replace function api.add_browser(endpoint_id uuid, url text, p256dh text, auth text) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.add_endpoint(core.require_user(), endpoint_id, 'web_push', url, p256dh, auth)
$$;

comment on function api.add_browser(uuid, text, text, text) is
'Have alerts of the people whose contact the caller is shown by this browser: url, p256dh and auth of its PushSubscription, under an id the app makes.';
alter function api.add_browser(uuid, text, text, text) owner to saferoute_api;
revoke all on function api.add_browser(uuid, text, text, text) from public;
grant execute on function api.add_browser(uuid, text, text, text) to authenticated;
