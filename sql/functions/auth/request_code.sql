create or replace function auth.request_code(
    p_purpose text, p_channel text, p_address text, p_language text, p_user_id uuid
) returns void
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.request_code(p_purpose, p_channel, p_address, p_language, p_user_id)
$$;

comment on function auth.request_code(text, text, text, text, uuid) is
'POST /auth/codes: see core.request_code.';
alter function auth.request_code(text, text, text, text, uuid) owner to saferoute_auth;
revoke all on function auth.request_code(text, text, text, text, uuid) from public;
grant execute on function auth.request_code(text, text, text, text, uuid) to authenticator;
