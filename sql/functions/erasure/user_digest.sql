create or replace function core.user_digest(p_user_id uuid) returns text
language sql immutable strict parallel safe security invoker
as $$
select encode(sha256(convert_to(p_user_id::text, 'UTF8')), 'hex')
$$;

comment on function core.user_digest(uuid) is
'What stands in receipts for a person: SHA-256 of the id as text, as `printf %s UUID | sha256sum` prints it.';
revoke all on function core.user_digest(uuid) from public;
