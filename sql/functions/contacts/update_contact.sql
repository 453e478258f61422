create or replace function core.update_contact(
    p_user_id uuid,
    p_contact_id uuid,
    p_name text,
    p_channel text,
    p_address text,
    p_from_name text,
    p_language text
) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_contact core.contacts := core.own_contact(p_user_id, p_contact_id);
    v_new core.contacts := v_contact;
begin
    v_new.name := core.checked_name('name', coalesce(p_name, v_contact.name), 80);
    v_new.from_name := core.checked_from_name(coalesce(p_from_name, v_contact.from_name));
    v_new.language := core.checked_language(coalesce(p_language, v_contact.language));
    v_new.channel := coalesce(p_channel, v_contact.channel);
    v_new.address := core.contact_address(v_new.channel, coalesce(p_address, v_contact.address));
    begin
        update core.contacts as c set
            name = v_new.name,
            from_name = v_new.from_name,
            language = v_new.language,
            channel = v_new.channel,
            address = v_new.address
        where c.contact_id = p_contact_id
        returning c.* into v_new;
    exception when unique_violation then
        perform core.fail('SR052');
    end;
    if (v_new.channel, v_new.address) <> (v_contact.channel, v_contact.address) then
        -- Another mailbox may be another person: whoever had the old one has no say and no link any more.
        perform core.record_consent(v_contact, 'removed', null);
        delete from core.contact_links as l where l.contact_id = p_contact_id;
        update core.contacts as c set answered_at = null, contact_user_id = null
        where c.contact_id = p_contact_id
        returning c.* into v_new;
        v_new := core.invite_contact(v_new);
    end if;
    return core.contact_summary(v_new);
end
$$;

comment on function core.update_contact(uuid, uuid, text, text, text, text, text) is
'Change what is not null. Another address has to be asked for consent anew, and the links sent to the old one end. Errors as core.add_contact has them.';
revoke all on function core.update_contact(uuid, uuid, text, text, text, text, text) from public;
grant execute on function core.update_contact(uuid, uuid, text, text, text, text, text) to saferoute_api;
