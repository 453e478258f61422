create or replace function api.reorder_contacts(contact_ids uuid[]) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.reorder_contacts(core.require_user(), contact_ids)
$$;

comment on function api.reorder_contacts(uuid[]) is
'Set who is told first: contact_ids names each of the caller''s contacts once.';
alter function api.reorder_contacts(uuid[]) owner to saferoute_api;
revoke all on function api.reorder_contacts(uuid[]) from public;
grant execute on function api.reorder_contacts(uuid[]) to authenticated;
