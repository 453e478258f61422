create or replace function core.contact_of_link(p_token text) returns core.contacts
language plpgsql stable parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_contact core.contacts;
begin
    -- Policies read it: whoever has no account sees the one row that their link opens.
    perform set_config('request.contact_link', coalesce(encode(sha256(convert_to(p_token, 'UTF8')), 'hex'), ''), true);
    select c.* into v_contact from core.contacts as c where c.contact_id = (select core.linked_contact_id());
    if not found then
        perform core.fail('SR054');
    end if;
    return v_contact;
end
$$;

comment on function core.contact_of_link(text) is
'The contact to whom the link with this token was sent, also for the policies until the transaction ends; SR054 where there is none, because it never was or because the walker has removed the contact.';
revoke all on function core.contact_of_link(text) from public;
grant execute on function core.contact_of_link(text) to saferoute_api;
