create or replace function auth.check_code(
    p_purpose text, p_address text, p_user_id uuid, p_code text
) returns boolean
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.check_code(p_purpose, p_address, p_user_id, p_code)
$$;

comment on function auth.check_code(text, text, uuid, text) is
'Before a password is hashed, which is dear: see core.check_code.';
alter function auth.check_code(text, text, uuid, text) owner to saferoute_auth;
revoke all on function auth.check_code(text, text, uuid, text) from public;
grant execute on function auth.check_code(text, text, uuid, text) to authenticator;
