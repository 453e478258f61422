create or replace function auth.replace_password_hash(p_user_id uuid, p_old text, p_new text) returns void
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.replace_password_hash(p_user_id, p_old, p_new)
$$;

comment on function auth.replace_password_hash(uuid, text, text) is
'POST /auth/sign-in: see core.replace_password_hash.';
alter function auth.replace_password_hash(uuid, text, text) owner to saferoute_auth;
revoke all on function auth.replace_password_hash(uuid, text, text) from public;
grant execute on function auth.replace_password_hash(uuid, text, text) to authenticator;
