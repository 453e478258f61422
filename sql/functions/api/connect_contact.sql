create or replace function api.connect_contact(token text) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.connect_contact(core.require_user(), token)
$$;

comment on function api.connect_contact(text) is
'A contact who has an account opens the link they were sent: they are told of alerts in the app as well, and in the browsers and webhooks they have added.';
alter function api.connect_contact(text) owner to saferoute_api;
revoke all on function api.connect_contact(text) from public;
grant execute on function api.connect_contact(text) to authenticated;
