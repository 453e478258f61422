create or replace function core.code_digest(p_code_id uuid, p_code text) returns bytea
language sql immutable strict parallel safe security invoker
as $$
select sha256(convert_to(p_code_id::text || p_code, 'UTF8'))
$$;

comment on function core.code_digest(uuid, text) is
'What is kept of a code: SHA-256 of its id, which salts it, and its digits.';
revoke all on function core.code_digest(uuid, text) from public;
grant execute on function core.code_digest(uuid, text) to saferoute_api, saferoute_auth;
