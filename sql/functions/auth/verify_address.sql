create or replace function auth.verify_address(
    p_user_id uuid, p_channel text, p_address text, p_code text
) returns text
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.verify_address(p_user_id, p_channel, p_address, p_code)
$$;

comment on function auth.verify_address(uuid, text, text, text) is
'POST /auth/verify: see core.verify_address.';
alter function auth.verify_address(uuid, text, text, text) owner to saferoute_auth;
revoke all on function auth.verify_address(uuid, text, text, text) from public;
grant execute on function auth.verify_address(uuid, text, text, text) to authenticator;
