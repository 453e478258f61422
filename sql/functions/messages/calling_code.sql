create or replace function core.calling_code(p_number text) returns text
language sql immutable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select coalesce(
    substring(p_number from '^\+([17]|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])'),
    substring(p_number from '^\+([1-9][0-9]{2})')
)
$$;

comment on function core.calling_code(text) is
'The calling code that an E.164 number begins with, without +: 1 and 7, the two-digit codes of ITU-T E.164, else three digits.';
revoke all on function core.calling_code(text) from public;
grant execute on function core.calling_code(text) to saferoute_api, saferoute_auth;
