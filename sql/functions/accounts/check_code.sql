create or replace function core.check_code(
    p_purpose text, p_address text, p_user_id uuid, p_code text
) returns boolean
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_code core.codes;
begin
    select c.* into v_code
    from core.codes as c
    where c.purpose = p_purpose and c.address = p_address and c.user_id is not distinct from p_user_id
        and c.expires_at > clock_timestamp() and c.tries < 5
    for update;
    if not found then
        return false;
    end if;
    if v_code.digest = core.code_digest(v_code.code_id, p_code) then
        return true;
    end if;
    update core.codes as c set tries = c.tries + 1 where c.purpose = p_purpose and c.address = p_address;
    return false;
end
$$;

comment on function core.check_code(text, text, uuid, text) is
'Whether this is the code that was sent for p_purpose to an address, in the last ten minutes, and fewer than five others were tried. A wrong one is counted. p_user_id is who is signed in, or null.';
revoke all on function core.check_code(text, text, uuid, text) from public;
grant execute on function core.check_code(text, text, uuid, text) to saferoute_auth;
