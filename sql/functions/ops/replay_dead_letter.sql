create or replace function ops.replay_dead_letter(p_delivery_id uuid) returns boolean
language plpgsql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
declare
    v_delivery core.alert_deliveries;
begin
    -- As if it had been tried once: the provider is asked whether it has the message after all.
    update core.alert_deliveries as d set
        state = 'queued', is_dead = false, attempts = 1, claimed_until = null, next_attempt_at = clock_timestamp()
    where d.delivery_id = p_delivery_id and d.is_dead and d.address is not null
    returning d.* into v_delivery;
    if not found then
        return false;
    end if;
    perform core.enqueue_task('alarm', 'deliver', jsonb_build_array(p_delivery_id));
    perform core.append_alert_event(v_delivery.alert_id, 'replayed', p_delivery_id, jsonb_build_object('channel', v_delivery.channel));
    return true;
end
$$;

comment on function ops.replay_dead_letter(uuid) is
'Have a message about an alert sent again that was given up (ops.dead_letters), with as many attempts as at first. False where it is no dead letter, or its address was erased.';
revoke all on function ops.replay_dead_letter(uuid) from public;
grant execute on function ops.replay_dead_letter(uuid) to operator;
