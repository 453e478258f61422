create or replace function core.contact_summary(p_contact core.contacts) returns json
language sql immutable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select json_build_object(
    'contact_id', p_contact.contact_id,
    'name', p_contact.name,
    'from_name', p_contact.from_name,
    'channel', p_contact.channel,
    'address', p_contact.address,
    'language', p_contact.language,
    'priority', p_contact.priority,
    'state', p_contact.state,
    'invited_at', p_contact.invited_at,
    'answered_at', p_contact.answered_at
)
$$;

comment on function core.contact_summary(core.contacts) is 'A contact as the walker sees it.';
revoke all on function core.contact_summary(core.contacts) from public;
grant execute on function core.contact_summary(core.contacts) to saferoute_api;
