create or replace function core.withdraw_by_reply(p_number text, p_text text) returns boolean
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_contact core.contacts;
begin
    if lower(btrim(p_text, E' \t\r\n.!"''')) !~
        '^(stop|stopall|unsubscribe|optout|revoke|quit|stopp|abmelden|baja|alto|parar|sair|arret|arrêt|बंद|रोकें)$' then
        return false;
    end if;
    for v_contact in
        select c.* from core.contacts as c
        where c.channel = 'sms' and c.address = p_number and c.state in ('invited', 'accepted')
        order by c.contact_id
        for update
    loop
        perform core.answer_invitation(
            v_contact, case v_contact.state when 'invited' then 'declined' else 'withdrawn' end, 'reply'
        );
    end loop;
    return true;
end
$$;

comment on function core.withdraw_by_reply(text, text) is
'Whether a text from p_number says STOP, in a word that providers know or one of our languages; who says so is nobodys contact any more. CANCEL and END are none of these words: they can be meant for an alert.';
revoke all on function core.withdraw_by_reply(text, text) from public;
grant execute on function core.withdraw_by_reply(text, text) to saferoute_tasks;
