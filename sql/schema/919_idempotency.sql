-- Read and written by the API itself, around the call: the rows of the caller it has just named, and no others.
alter table core.idempotency_keys enable row level security;
drop policy if exists own_rows on core.idempotency_keys;
create policy own_rows on core.idempotency_keys to authenticator
using (caller_id = (select core.current_caller_id()));
