create or replace function api.verify_contact(contact_id uuid, code text) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.verify_contact(core.require_user(), contact_id, code)
$$;

comment on function api.verify_contact(uuid, text) is
'The contact accepts by reading the code of their message to the walker, who types it. Five wrong codes void it: resend_contact_invitation sends another.';
alter function api.verify_contact(uuid, text) owner to saferoute_api;
revoke all on function api.verify_contact(uuid, text) from public;
grant execute on function api.verify_contact(uuid, text) to authenticated;
