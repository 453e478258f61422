create or replace function core.connect_contact(p_user_id uuid, p_token text) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_contact core.contacts := core.contact_of_link(p_token);
begin
    if v_contact.user_id = p_user_id then
        perform core.fail('SR018', 'nobody is a contact of their own');
    end if;
    update core.contacts as c set contact_user_id = p_user_id
    where c.contact_id = v_contact.contact_id and coalesce(c.contact_user_id, p_user_id) = p_user_id
    returning c.* into v_contact;
    if not found then
        perform core.fail('SR054');
    end if;
    return core.invitation_summary(v_contact);
end
$$;

comment on function core.connect_contact(uuid, text) is
'Note that the contact to whom this link was sent is the person who is signed in: from now on they are told in the app too, once they have accepted. SR054 where the link opens nothing, or another account was first.';
revoke all on function core.connect_contact(uuid, text) from public;
grant execute on function core.connect_contact(uuid, text) to saferoute_api;
