create or replace function core.sign_up(
    p_channel text, p_address text, p_code text, p_password_hash text, p_language text, out user_id uuid, out refusal text
) returns record
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    if not core.check_code('sign_up', p_address, null, p_code) then
        refusal := 'SR042';
        return;
    end if;
    insert into core.users as u (
        user_id, phone, phone_verified_at, email, email_verified_at, password_hash, language
    )
    select
        core.uuid_v7(), n.phone, case when n.phone is not null then now() end,
        n.email, case when n.email is not null then now() end, p_password_hash, p_language
    from (
        values (case p_channel when 'sms' then p_address end, case p_channel when 'email' then p_address end)
    ) as n (phone, email)
    on conflict do nothing
    returning u.user_id into user_id;
    -- The code stays until it expires: a retry whose answer was lost hears that there is an account now.
    if user_id is null then
        refusal := 'SR043';
    end if;
end
$$;

comment on function core.sign_up(text, text, text, text, text) is
'Make an account for the address that a code was sent to; its user_id, or why not: SR042 for a wrong code (counted), SR043 where the address has an account, which nobody learns without the code.';
revoke all on function core.sign_up(text, text, text, text, text) from public;
grant execute on function core.sign_up(text, text, text, text, text) to saferoute_auth;
