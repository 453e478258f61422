create or replace function core.erase_contacts(
    p_user_id uuid, p_limit bigint
) returns table (leaf regclass, removed bigint)
language plpgsql volatile strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    leaf := 'core.contacts'::regclass;
    -- Those who named the person as a contact keep what they wrote; that it is this account goes.
    update core.contacts as c set contact_user_id = null where c.contact_user_id = p_user_id;
    removed := core.erase_rows('core.contacts', 'user_id', p_user_id, p_limit);
    return next;
end
$$;

comment on function core.erase_contacts(uuid, bigint) is
'Remove up to p_limit emergency contacts of a person, and the persons account from contacts of others.';
revoke all on function core.erase_contacts(uuid, bigint) from public;
