create or replace function core.note_sent(p_claim_id uuid, p_provider text, p_provider_id text) returns boolean
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_delivery core.alert_deliveries;
begin
    update core.alert_deliveries as d set
        state = 'sent', sent_at = clock_timestamp(), provider = p_provider, provider_id = p_provider_id,
        claimed_until = null, error = null
    where d.claim_id = p_claim_id and d.state = 'queued'
    returning d.* into v_delivery;
    if not found then
        return exists (select from core.alert_deliveries as d where d.claim_id = p_claim_id);
    end if;
    perform core.append_alert_event(v_delivery.alert_id, 'sent', v_delivery.delivery_id, jsonb_build_object(
        'channel', v_delivery.channel, 'provider', p_provider, 'attempt', v_delivery.attempts
    ));
    return true;
end
$$;

comment on function core.note_sent(uuid, text, text) is
'Note that the provider has the message of a claim, and what it calls it. False where another has it by now: it took longer than its lease. Noted twice it stands once.';
revoke all on function core.note_sent(uuid, text, text) from public;
grant execute on function core.note_sent(uuid, text, text) to saferoute_tasks;
