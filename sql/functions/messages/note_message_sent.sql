create or replace function core.note_message_sent(p_claim_id uuid, p_provider text, p_provider_id text) returns boolean
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    update core.outbound_messages as m set
        status = 'sent', sent_at = clock_timestamp(), provider = p_provider, provider_id = p_provider_id,
        parameters = '{}', claimed_until = null, error = null
    where m.claim_id = p_claim_id and m.status = 'claimed';
    return found or exists (select from core.outbound_messages as m where m.claim_id = p_claim_id);
end
$$;

comment on function core.note_message_sent(uuid, text, text) is
'Note that the provider has a message, and forget the code or link that stood in it. False where another has it by now.';
revoke all on function core.note_message_sent(uuid, text, text) from public;
grant execute on function core.note_message_sent(uuid, text, text) to saferoute_tasks;
