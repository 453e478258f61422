create or replace function core.answer_invitation(p_contact core.contacts, p_state text, p_means text)
returns core.contacts
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_contact core.contacts;
begin
    update core.contacts as c set
        state = p_state,
        answered_at = now(),
        code_digest = null,
        code_expires_at = null,
        code_tries = 0
    where c.contact_id = p_contact.contact_id
    returning c.* into v_contact;
    perform core.record_consent(v_contact, case p_state when 'accepted' then 'given' else p_state end, p_means);
    return v_contact;
end
$$;

comment on function core.answer_invitation(core.contacts, text, text) is
'Note what a contact answers: p_state accepted, declined or withdrawn, by p_means link, code or reply. The code of the invitation ends.';
revoke all on function core.answer_invitation(core.contacts, text, text) from public;
grant execute on function core.answer_invitation(core.contacts, text, text) to saferoute_api, saferoute_tasks;
