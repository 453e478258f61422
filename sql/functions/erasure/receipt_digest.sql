create or replace function core.receipt_digest(p_receipt jsonb) returns text
language sql immutable strict parallel safe security invoker
as $$
select encode(sha256(convert_to((p_receipt - 'digest')::text, 'UTF8')), 'hex')
$$;

comment on function core.receipt_digest(jsonb) is
'SHA-256 of a receipt without its digest, as jsonb writes it: neither layout nor order of the copy matters.';
revoke all on function core.receipt_digest(jsonb) from public;
