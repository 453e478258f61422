create or replace function core.contact_address(p_channel text, p_address text) returns text
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_address text;
begin
    if p_channel = 'sms' then
        v_address := regexp_replace(regexp_replace(p_address, '[\s().–/-]', '', 'g'), '^00', '+');
        if v_address ~ '^\+[1-9][0-9]{6,14}$' then
            return v_address;
        end if;
    elsif p_channel = 'email' then
        v_address := lower(btrim(p_address));
        if length(v_address) <= 254
            and v_address ~ '^[a-z0-9!#$%&''*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&''*+/=?^_`{|}~-]+)*@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$'
            and length(split_part(v_address, '@', 1)) <= 64
        then
            return v_address;
        end if;
    else
        perform core.fail('SR018', 'channel is sms or email');
    end if;
    perform core.fail('SR045');
end
$$;

comment on function core.contact_address(text, text) is
'An address of the channel (sms or email) as it is stored: E.164 without spaces and brackets, or lower case. SR045 where it cannot be one. Whether anybody is there, the invitation finds out.';
revoke all on function core.contact_address(text, text) from public;
grant execute on function core.contact_address(text, text) to saferoute_api;
