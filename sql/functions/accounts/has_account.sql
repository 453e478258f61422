create or replace function core.has_account(p_user_id uuid) returns boolean
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select exists (select from core.users as u where u.user_id = p_user_id)
$$;

comment on function core.has_account(uuid) is
'Whether the person of a session still has an account: it may have been erased.';
revoke all on function core.has_account(uuid) from public;
grant execute on function core.has_account(uuid) to saferoute_auth;
