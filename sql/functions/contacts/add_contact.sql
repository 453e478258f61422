create or replace function core.add_contact(
    p_user_id uuid,
    p_contact_id uuid,
    p_name text,
    p_channel text,
    p_address text,
    p_from_name text,
    p_priority integer,
    p_language text
) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    c_most constant integer := 10;
    v_name text := core.checked_name('name', p_name, 80);
    v_from_name text := core.checked_from_name(p_from_name);
    v_address text := core.contact_address(p_channel, p_address);
    v_language text := core.checked_language(p_language);
    v_contact core.contacts;
    v_others bigint;
    v_last integer;
begin
    if p_contact_id is null then
        perform core.fail('SR018', 'contact_id is null');
    end if;
    if not coalesce(p_priority, 1) between 1 and 100 then
        perform core.fail('SR018', format('priority is 1 to 100, not %s', p_priority));
    end if;
    perform pg_advisory_xact_lock(hashtextextended('saferoute contacts of ' || p_user_id, 0));

    select c.* into v_contact from core.contacts as c where c.contact_id = p_contact_id and c.user_id = p_user_id;
    if found then
        if (v_contact.name, v_contact.from_name, v_contact.channel, v_contact.address, v_contact.language)
            <> (v_name, v_from_name, p_channel, v_address, v_language)
            or v_contact.priority <> p_priority
        then
            perform core.fail('SR051', format('contact %s', p_contact_id));
        end if;
        return core.contact_summary(v_contact);
    end if;

    if exists (
        select from core.contacts as c where c.user_id = p_user_id and c.channel = p_channel and c.address = v_address
    ) then
        perform core.fail('SR052');
    end if;
    select count(*), max(c.priority) into v_others, v_last from core.contacts as c where c.user_id = p_user_id;
    if v_others >= c_most then
        perform core.fail('SR053');
    end if;

    insert into core.contacts (contact_id, user_id, name, from_name, channel, address, language, priority)
    values (
        p_contact_id, p_user_id, v_name, v_from_name, p_channel, v_address, v_language,
        coalesce(p_priority, least(coalesce(v_last, 0) + 1, 100))
    )
    on conflict (contact_id) do nothing
    returning * into v_contact;
    if not found then
        -- A row of another person does not exist here, so its id is refused in the same words.
        perform core.fail('SR051', format('contact %s', p_contact_id));
    end if;
    return core.contact_summary(core.invite_contact(v_contact));
end
$$;

comment on function core.add_contact(uuid, uuid, text, text, text, text, integer, text) is
'Name an emergency contact and ask them for consent. The same call again sends nothing and returns the contact as it is now. SR051 where the id is another contact''s, SR052 where the address is there already, SR053 beyond ten, SR045 and SR046 where nothing can be sent there: then nothing is written.';
revoke all on function core.add_contact(uuid, uuid, text, text, text, text, integer, text) from public;
grant execute on function core.add_contact(uuid, uuid, text, text, text, text, integer, text) to saferoute_api;
