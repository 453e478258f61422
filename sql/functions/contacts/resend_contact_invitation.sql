create or replace function core.resend_contact_invitation(p_user_id uuid, p_contact_id uuid) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_contact core.contacts := core.own_contact(p_user_id, p_contact_id);
begin
    if v_contact.state <> 'accepted' then
        v_contact := core.invite_contact(v_contact);
    end if;
    return core.contact_summary(v_contact);
end
$$;

comment on function core.resend_contact_invitation(uuid, uuid) is
'Ask a contact again, with a new link and a new code; one who has accepted is not bothered. SR046 as core.check_invitations and core.enqueue_message tell.';
revoke all on function core.resend_contact_invitation(uuid, uuid) from public;
grant execute on function core.resend_contact_invitation(uuid, uuid) to saferoute_api;
