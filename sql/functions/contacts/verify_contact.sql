create or replace function core.verify_contact(p_user_id uuid, p_contact_id uuid, p_code text) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_contact core.contacts := core.own_contact(p_user_id, p_contact_id);
begin
    if v_contact.state = 'accepted' then
        return core.contact_summary(v_contact);
    end if;
    -- Who has said no has no code any more: one that was read out before does not outweigh it.
    if v_contact.code_expires_at <= now() or v_contact.code_tries >= 5 then
        return core.refuse('SR042');
    end if;
    if v_contact.code_digest is distinct from core.code_digest(p_contact_id, p_code) then
        update core.contacts as c set code_tries = c.code_tries + 1 where c.contact_id = p_contact_id;
        return core.refuse('SR042');
    end if;
    return core.contact_summary(core.answer_invitation(v_contact, 'accepted', 'code'));
end
$$;

comment on function core.verify_contact(uuid, uuid, text) is
'The walker types the code that the contact has read to them: that is the contact''s consent. SR042 where it is wrong, older than a week, or the contact has said no; five wrong ones, counted although refused, void it.';
revoke all on function core.verify_contact(uuid, uuid, text) from public;
grant execute on function core.verify_contact(uuid, uuid, text) to saferoute_api;
