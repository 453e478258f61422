create or replace function core.remove_contact(p_user_id uuid, p_contact_id uuid) returns void
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_contact core.contacts := core.own_contact(p_user_id, p_contact_id);
begin
    perform core.record_consent(v_contact, 'removed', null);
    delete from core.contacts as c where c.contact_id = p_contact_id;
end
$$;

comment on function core.remove_contact(uuid, uuid) is
'Remove a contact: name, address, links and code are gone, the ledger of consents stays for as long as its comment says.';
revoke all on function core.remove_contact(uuid, uuid) from public;
grant execute on function core.remove_contact(uuid, uuid) to saferoute_api;
