create or replace function api.add_contact(
    contact_id uuid,
    name text,
    channel text,
    address text,
    from_name text,
    priority integer default null,
    language text default 'en'
) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.add_contact(core.require_user(), contact_id, name, channel, address, from_name, priority, language)
$$;

comment on function api.add_contact(uuid, text, text, text, text, integer, text) is
'Name an emergency contact under an id the client makes (UUIDv7) and ask them for consent: they get a message with a link and a code, by channel (sms or email). from_name is how you introduce yourself to them. priority (1 first) is after the others where it is not given. The same call again returns the contact and sends nothing.';
alter function api.add_contact(uuid, text, text, text, text, integer, text) owner to saferoute_api;
revoke all on function api.add_contact(uuid, text, text, text, text, integer, text) from public;
grant execute on function api.add_contact(uuid, text, text, text, text, integer, text) to authenticated;
