create or replace function tasks.note_message_sent(p_claim_id uuid, p_provider text, p_provider_id text) returns boolean
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.note_message_sent(p_claim_id, p_provider, p_provider_id)
$$;

comment on function tasks.note_message_sent(uuid, text, text) is
'Note that the provider has the message of a claim; false where another has it by now.';
alter function tasks.note_message_sent(uuid, text, text) owner to saferoute_tasks;
revoke all on function tasks.note_message_sent(uuid, text, text) from public;
grant execute on function tasks.note_message_sent(uuid, text, text) to worker;
