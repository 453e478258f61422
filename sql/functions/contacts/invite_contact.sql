create or replace function core.invite_contact(p_contact core.contacts) returns core.contacts
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_contact core.contacts;
    v_token text := core.random_token();
    v_code text := core.random_code();
    v_outcome text;
begin
    perform core.check_invitations(p_contact);
    insert into core.contact_links (digest, contact_id, user_id)
    values (sha256(convert_to(v_token, 'UTF8')), p_contact.contact_id, p_contact.user_id);
    update core.contacts as c set
        state = 'invited',
        invited_at = now(),
        code_digest = core.code_digest(c.contact_id, v_code),
        code_expires_at = now() + interval '7 days',
        code_tries = 0
    where c.contact_id = p_contact.contact_id
    returning c.* into v_contact;
    perform core.record_consent(v_contact, 'invited', null);

    -- Last: what sends messages waits for each other until it commits.
    v_outcome := core.enqueue_message(
        v_contact.user_id, v_contact.channel, v_contact.address, 'contact_invitation', v_contact.language,
        jsonb_build_object(
            'from_name', v_contact.from_name,
            'link', (select s.public_url from core.site as s) || '/contact#' || v_token,
            'code', v_code
        )
    );
    if v_outcome <> 'queued' then
        perform core.fail('SR046', v_outcome);
    end if;
    return v_contact;
end
$$;

comment on function core.invite_contact(core.contacts) is
'Ask a contact for consent: a message with a link of its own and a code. Earlier links stay good; earlier codes do not. SR046, and nothing is written, where there have been too many.';
revoke all on function core.invite_contact(core.contacts) from public;
grant execute on function core.invite_contact(core.contacts) to saferoute_api;
