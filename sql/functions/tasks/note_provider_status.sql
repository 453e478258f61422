create or replace function tasks.note_provider_status(p_provider text, p_provider_id text, p_status text) returns boolean
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.note_provider_status(p_provider, p_provider_id, p_status)
$$;

comment on function tasks.note_provider_status(text, text, text) is
'Note what a provider says has become of a message: delivered, read or failed; false where no message is called so (yet).';
alter function tasks.note_provider_status(text, text, text) owner to saferoute_tasks;
revoke all on function tasks.note_provider_status(text, text, text) from public;
grant execute on function tasks.note_provider_status(text, text, text) to authenticator;
