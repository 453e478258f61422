create or replace function auth.has_account(p_user_id uuid) returns boolean
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.has_account(p_user_id)
$$;

comment on function auth.has_account(uuid) is
'POST /auth/refresh: see core.has_account.';
alter function auth.has_account(uuid) owner to saferoute_auth;
revoke all on function auth.has_account(uuid) from public;
grant execute on function auth.has_account(uuid) to authenticator;
