create or replace function core.check_invitations(p_contact core.contacts) returns void
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_digest bytea := core.address_digest(p_contact.user_id, p_contact.channel, p_contact.address);
    v_yes timestamptz;
    v_refusals bigint;
    v_no timestamptz;
    v_asked bigint;
    v_asked_since_no bigint;
begin
    select max(c.recorded_at) into v_yes
    from core.contact_consents as c
    where c.user_id = p_contact.user_id and c.address_digest = v_digest and c.event = 'given';

    select
        count(*) filter (where c.event <> 'invited'), max(c.recorded_at) filter (where c.event <> 'invited'),
        count(*) filter (where c.event = 'invited' and c.recorded_at > now() - interval '30 days')
    into v_refusals, v_no, v_asked
    from core.contact_consents as c
    where c.user_id = p_contact.user_id and c.address_digest = v_digest
        and c.event in ('invited', 'declined', 'withdrawn') and c.recorded_at > coalesce(v_yes, '-infinity');

    select count(*) into v_asked_since_no
    from core.contact_consents as c
    where c.user_id = p_contact.user_id and c.address_digest = v_digest
        and c.event = 'invited' and c.recorded_at > v_no;

    if v_refusals > 1 or v_asked_since_no > 0 then
        perform core.fail('SR046', 'this contact has said no');
    elsif v_no > now() - interval '30 days' then
        perform core.fail('SR046', 'this contact has said no; they can be asked once more, 30 days later');
    elsif v_asked >= 3 then
        perform core.fail('SR046', 'a contact can be asked 3 times in 30 days');
    end if;
end
$$;

comment on function core.check_invitations(core.contacts) is
'SR046 where this walker has asked this address often enough: three times in 30 days; after a no once more, 30 days later, and then never. Removing a contact and adding it anew changes nothing. A contact who accepts after all begins anew.';
revoke all on function core.check_invitations(core.contacts) from public;
grant execute on function core.check_invitations(core.contacts) to saferoute_api;
