create or replace function auth.sign_up(
    p_channel text, p_address text, p_code text, p_password_hash text, p_language text, out user_id uuid, out refusal text
) returns record
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select * from core.sign_up(p_channel, p_address, p_code, p_password_hash, p_language)
$$;

comment on function auth.sign_up(text, text, text, text, text) is
'POST /auth/sign-up: see core.sign_up.';
alter function auth.sign_up(text, text, text, text, text) owner to saferoute_auth;
revoke all on function auth.sign_up(text, text, text, text, text) from public;
grant execute on function auth.sign_up(text, text, text, text, text) to authenticator;
