create or replace function core.claim_delivery(p_delivery_id uuid, p_lease interval) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_delivery core.alert_deliveries;
begin
    -- A delivery is its row's: whoever comes second finds it claimed. Nothing else is locked here, so nobody waits in a ring.
    update core.sendable_deliveries as d set
        attempts = d.attempts + 1, claim_id = gen_random_uuid(), claimed_until = clock_timestamp() + p_lease
    where d.delivery_id = p_delivery_id and (d.claimed_until is null or d.claimed_until <= clock_timestamp())
    returning d.* into v_delivery;
    if not found then
        return null;
    end if;
    -- Every worker that had it was killed: it is not tried for ever.
    if v_delivery.attempts > (select p.attempts from core.delivery_policies as p where p.channel = v_delivery.channel) then
        perform core.note_failed(v_delivery.claim_id, 'no attempt came to its end', null, true);
        return null;
    end if;
    if v_delivery.endpoint_id is not null and not exists (
        select from core.notification_endpoints as e where e.endpoint_id = v_delivery.endpoint_id
    ) then
        perform core.note_failed(v_delivery.claim_id, 'the browser or webhook was removed', null, true);
        return null;
    end if;
    return core.delivery_message(v_delivery);
end
$$;

comment on function core.claim_delivery(uuid, interval) is
'Take a delivery that is due, for p_lease: what is to be sent, and the claim_id to report with. Null where there is nothing to do: it is not due, another has it, it was sent, given up or cancelled. attempts counts this one; from the second on the provider is asked first whether it has the message.';
revoke all on function core.claim_delivery(uuid, interval) from public;
grant execute on function core.claim_delivery(uuid, interval) to saferoute_tasks;
