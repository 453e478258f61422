create or replace function core.verify_address(
    p_user_id uuid, p_channel text, p_address text, p_code text
) returns text
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_user core.users;
    v_before text;
begin
    if not core.check_code('verify', p_address, p_user_id, p_code) then
        return 'SR042';
    end if;
    delete from core.codes as c where c.purpose = 'verify' and c.address = p_address;
    select u.* into v_user from core.users as u where u.user_id = p_user_id for update;
    if not found then
        return 'SR048';
    end if;
    begin
        if p_channel = 'sms' then
            v_before := v_user.phone;
            update core.users as u set phone = p_address, phone_verified_at = now() where u.user_id = p_user_id;
        else
            v_before := v_user.email;
            update core.users as u set email = p_address, email_verified_at = now() where u.user_id = p_user_id;
        end if;
    exception
        when unique_violation then
            return 'SR043';
    end;
    -- Where a thief did this, the owner hears of it; a limit that refuses the message changes nothing.
    if v_before <> p_address then
        perform core.enqueue_message(p_user_id, p_channel, v_before, 'address_changed', v_user.language, '{}');
    end if;
    return null;
end
$$;

comment on function core.verify_address(uuid, text, text, text) is
'Give the account of a person the address that a code was sent to, in place of the one before, which is told; null, or why not: SR042 for a wrong code (counted), SR043 where the address has an account, SR048 where the person has none.';
revoke all on function core.verify_address(uuid, text, text, text) from public;
grant execute on function core.verify_address(uuid, text, text, text) to saferoute_auth;
