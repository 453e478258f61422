create or replace function core.answer_by_link(p_token text, p_agrees boolean) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_contact core.contacts := core.contact_of_link(p_token);
begin
    select c.* into v_contact from core.contacts as c where c.contact_id = v_contact.contact_id for update;
    if not found then
        perform core.fail('SR054');
    end if;
    if p_agrees and v_contact.state <> 'accepted' then
        v_contact := core.answer_invitation(v_contact, 'accepted', 'link');
    elsif not p_agrees and v_contact.state in ('invited', 'accepted') then
        v_contact := core.answer_invitation(
            v_contact, case v_contact.state when 'invited' then 'declined' else 'withdrawn' end, 'link'
        );
    end if;
    return core.invitation_summary(v_contact);
end
$$;

comment on function core.answer_by_link(text, boolean) is
'A contact says yes or no with the link they were sent; they need no account. No always means no, whatever was said before, and yes after no is a change of mind. The same answer again changes nothing.';
revoke all on function core.answer_by_link(text, boolean) from public;
grant execute on function core.answer_by_link(text, boolean) to saferoute_api;
