create or replace function core.reset_password(
    p_address text, p_code text, p_password_hash text, out user_id uuid, out refusal text
) returns record
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    if core.check_code('reset_password', p_address, null, p_code) then
        delete from core.codes as c where c.purpose = 'reset_password' and c.address = p_address;
        update core.users as u
        set password_hash = p_password_hash, password_changed_at = now()
        where u.phone = p_address or u.email = p_address
        returning u.user_id into user_id;
    end if;
    if user_id is null then
        refusal := 'SR042';
    end if;
end
$$;

comment on function core.reset_password(text, text, text) is
'Set a new password for the account of the address that a code was sent to, and use the code up; its user_id, or SR042 where the code is wrong (counted).';
revoke all on function core.reset_password(text, text, text) from public;
grant execute on function core.reset_password(text, text, text) to saferoute_auth;
