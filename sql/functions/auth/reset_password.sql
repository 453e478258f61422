create or replace function auth.reset_password(
    p_address text, p_code text, p_password_hash text, out user_id uuid, out refusal text
) returns record
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select * from core.reset_password(p_address, p_code, p_password_hash)
$$;

comment on function auth.reset_password(text, text, text) is
'POST /auth/reset-password: see core.reset_password.';
alter function auth.reset_password(text, text, text) owner to saferoute_auth;
revoke all on function auth.reset_password(text, text, text) from public;
grant execute on function auth.reset_password(text, text, text) to authenticator;
