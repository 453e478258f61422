create or replace function tasks.note_provider_status(
    p_provider text, p_provider_id text, p_status text, p_delivery_id uuid default null
) returns boolean
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.note_provider_status(p_provider, p_provider_id, p_status, p_delivery_id)
$$;

comment on function tasks.note_provider_status(text, text, text, uuid) is
'Note what a provider says has become of a message: sent, delivered, read or failed; false where no message is meant (yet). p_delivery_id is the idempotency key, where the provider gives it back.';
alter function tasks.note_provider_status(text, text, text, uuid) owner to saferoute_tasks;
revoke all on function tasks.note_provider_status(text, text, text, uuid) from public;
grant execute on function tasks.note_provider_status(text, text, text, uuid) to authenticator;
