create or replace function core.own_contact(p_user_id uuid, p_contact_id uuid) returns core.contacts
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_contact core.contacts;
begin
    select c.* into v_contact
    from core.contacts as c
    where c.contact_id = p_contact_id and c.user_id = p_user_id
    for update;
    if not found then
        perform core.fail('SR050', format('contact %s', coalesce(p_contact_id::text, 'null')));
    end if;
    return v_contact;
end
$$;

comment on function core.own_contact(uuid, uuid) is
'The contact with this id, locked, if it is the person''s own; SR050 where it is not, whether or not it is somebody else''s.';
revoke all on function core.own_contact(uuid, uuid) from public;
grant execute on function core.own_contact(uuid, uuid) to saferoute_api;
