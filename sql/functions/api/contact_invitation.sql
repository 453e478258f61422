create or replace function api.contact_invitation(token text) returns json
language sql stable parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.contact_invitation(token)
$$;

comment on function api.contact_invitation(text) is
'The invitation that a contact was sent a link to: who asks, the statement they would agree to, and what they have answered. token is what follows # in the link.';
alter function api.contact_invitation(text) owner to saferoute_api;
revoke all on function api.contact_invitation(text) from public;
grant execute on function api.contact_invitation(text) to web_anon, authenticated;
