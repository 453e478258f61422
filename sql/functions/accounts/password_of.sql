create or replace function core.password_of(p_user_id uuid) returns text
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select u.password_hash from core.users as u where u.user_id = p_user_id
$$;

comment on function core.password_of(uuid) is
'What the password of an account is checked against; null where the person has no account here.';
revoke all on function core.password_of(uuid) from public;
grant execute on function core.password_of(uuid) to saferoute_auth;
