create or replace function core.replace_password_hash(p_user_id uuid, p_old text, p_new text) returns void
language sql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
update core.users as u set password_hash = p_new where u.user_id = p_user_id and u.password_hash = p_old
$$;

comment on function core.replace_password_hash(uuid, text, text) is
'Keep the same password with newer parameters, unless it was changed meanwhile.';
revoke all on function core.replace_password_hash(uuid, text, text) from public;
grant execute on function core.replace_password_hash(uuid, text, text) to saferoute_auth;
