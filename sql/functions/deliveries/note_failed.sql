create or replace function core.note_failed(p_claim_id uuid, p_error text, p_retry_after_s float8, p_is_final boolean) returns boolean
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_delivery core.alert_deliveries;
    v_policy core.delivery_policies;
    v_is_dead boolean;
    v_wait interval;
begin
    select d.* into v_delivery
    from core.alert_deliveries as d
    where d.claim_id = p_claim_id and d.state = 'queued' and d.claimed_until is not null
    for update;
    if not found then
        return false;
    end if;
    select p.* into strict v_policy from core.delivery_policies as p where p.channel = v_delivery.channel;
    v_is_dead := p_is_final or v_delivery.attempts >= v_policy.attempts;
    v_wait := core.attempt_delay(v_policy, v_delivery.attempts, p_retry_after_s);
    update core.alert_deliveries as d set
        state = case when v_is_dead then 'failed' else 'queued' end,
        is_dead = v_is_dead,
        error = left(p_error, 200),
        claimed_until = null,
        next_attempt_at = case when v_is_dead then d.next_attempt_at else clock_timestamp() + v_wait end
    where d.delivery_id = v_delivery.delivery_id;
    if not v_is_dead then
        perform core.enqueue_task('alarm', 'deliver', jsonb_build_array(v_delivery.delivery_id), v_wait);
    end if;
    -- Its push service says that the browser is gone for good. A webhook may only be misplaced: its owner removes it.
    if p_is_final and p_error = 'endpoint gone' and v_delivery.channel = 'web_push' then
        delete from core.notification_endpoints as e where e.endpoint_id = v_delivery.endpoint_id;
    end if;
    perform core.append_alert_event(v_delivery.alert_id, 'failed', v_delivery.delivery_id, jsonb_build_object(
        'channel', v_delivery.channel, 'attempt', v_delivery.attempts, 'error', left(p_error, 200), 'final', v_is_dead
    ));
    return true;
end
$$;

comment on function core.note_failed(uuid, text, float8, boolean) is
'Note that an attempt failed, and when the next is due: later with each, as core.delivery_policies says, and not before the provider wants it. p_is_final, or too many attempts: it is given up, and an operator finds it in ops.dead_letters. A browser that is gone is told nothing more. p_error never holds an address. False where another has it by now.';
revoke all on function core.note_failed(uuid, text, float8, boolean) from public;
grant execute on function core.note_failed(uuid, text, float8, boolean) to saferoute_tasks;
