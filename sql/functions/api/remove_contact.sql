create or replace function api.remove_contact(contact_id uuid) returns void
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.remove_contact(core.require_user(), contact_id)
$$;

comment on function api.remove_contact(uuid) is
'Remove an emergency contact: their name, address and links are gone.';
alter function api.remove_contact(uuid) owner to saferoute_api;
revoke all on function api.remove_contact(uuid) from public;
grant execute on function api.remove_contact(uuid) to authenticated;
