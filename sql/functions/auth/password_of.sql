create or replace function auth.password_of(p_user_id uuid) returns text
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.password_of(p_user_id)
$$;

comment on function auth.password_of(uuid) is
'POST /auth/verify: see core.password_of.';
alter function auth.password_of(uuid) owner to saferoute_auth;
revoke all on function auth.password_of(uuid) from public;
grant execute on function auth.password_of(uuid) to authenticator;
