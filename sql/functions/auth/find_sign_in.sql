create or replace function auth.find_sign_in(p_address text) returns table (user_id uuid, password_hash text)
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select * from core.find_sign_in(p_address)
$$;

comment on function auth.find_sign_in(text) is
'POST /auth/sign-in: see core.find_sign_in.';
alter function auth.find_sign_in(text) owner to saferoute_auth;
revoke all on function auth.find_sign_in(text) from public;
grant execute on function auth.find_sign_in(text) to authenticator;
