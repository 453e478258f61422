create or replace function api.update_contact(
    contact_id uuid,
    name text default null,
    channel text default null,
    address text default null,
    from_name text default null,
    language text default null
) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.update_contact(core.require_user(), contact_id, name, channel, address, from_name, language)
$$;

comment on function api.update_contact(uuid, text, text, text, text, text) is
'Change what is given. A new address is asked for consent anew; until it is given the contact is not alerted.';
alter function api.update_contact(uuid, text, text, text, text, text) owner to saferoute_api;
revoke all on function api.update_contact(uuid, text, text, text, text, text) from public;
grant execute on function api.update_contact(uuid, text, text, text, text, text) to authenticated;
