create or replace function core.claim_message(p_message_id uuid, p_lease interval) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_message core.outbound_messages;
begin
    update core.outbound_messages as m set
        status = 'claimed', attempts = m.attempts + 1, claim_id = gen_random_uuid(),
        claimed_until = clock_timestamp() + p_lease
    where m.message_id = p_message_id
        and m.status in ('queued', 'claimed') and m.next_attempt_at <= clock_timestamp()
        and (m.claimed_until is null or m.claimed_until <= clock_timestamp())
    returning m.* into v_message;
    if not found then
        return null;
    end if;
    if v_message.not_after <= clock_timestamp()
        or v_message.attempts > (select p.attempts from core.delivery_policies as p where p.channel = v_message.channel) then
        perform core.note_message_failed(v_message.claim_id, 'it came too late', null, true);
        return null;
    end if;
    return json_build_object(
        'message_id', v_message.message_id,
        'claim_id', v_message.claim_id,
        'channel', v_message.channel,
        'address', v_message.address,
        'language', v_message.language,
        'template', v_message.template,
        'parameters', v_message.parameters,
        'idempotency_key', v_message.message_id,
        'attempts', v_message.attempts,
        'queued_at', v_message.created_at
    );
end
$$;

comment on function core.claim_message(uuid, interval) is
'Take a message that is due, for p_lease, as core.claim_delivery does a delivery. One that is of no use any more is given up.';
revoke all on function core.claim_message(uuid, interval) from public;
grant execute on function core.claim_message(uuid, interval) to saferoute_tasks;
