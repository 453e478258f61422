create or replace function core.note_provider_status(
    p_provider text, p_provider_id text, p_status text, p_delivery_id uuid default null
) returns boolean
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_ranks constant text [] := '{sent,delivered,read,acknowledged}';
    v_delivery core.alert_deliveries;
begin
    select d.* into v_delivery
    from core.alert_deliveries as d
    where d.provider = p_provider and d.provider_id = p_provider_id
    for update;
    if not found then
        -- The provider is faster than the worker that asked it, or that worker was killed before it could say so.
        update core.alert_deliveries as d set
            state = 'sent', sent_at = clock_timestamp(), provider = p_provider, provider_id = p_provider_id,
            claimed_until = null, error = null
        where d.delivery_id = p_delivery_id and d.state = 'queued' and d.attempts > 0 and p_status <> 'failed'
        returning d.* into v_delivery;
        if not found then
            return false;
        end if;
        perform core.append_alert_event(v_delivery.alert_id, 'sent', v_delivery.delivery_id, jsonb_build_object(
            'channel', v_delivery.channel, 'provider', p_provider, 'attempt', v_delivery.attempts
        ));
    end if;
    if p_status in ('delivered', 'read')
        and array_position(v_ranks, p_status) > array_position(v_ranks, v_delivery.state) then
        update core.alert_deliveries as d set
            state = p_status,
            delivered_at = coalesce(d.delivered_at, clock_timestamp()),
            read_at = case p_status when 'read' then clock_timestamp() else d.read_at end
        where d.delivery_id = v_delivery.delivery_id;
    elsif p_status = 'failed' and v_delivery.state = 'sent' then
        update core.alert_deliveries as d set state = 'failed', is_dead = true, error = 'not delivered by the provider'
        where d.delivery_id = v_delivery.delivery_id;
    else
        return true;
    end if;
    perform core.append_alert_event(v_delivery.alert_id, p_status, v_delivery.delivery_id, jsonb_build_object(
        'channel', v_delivery.channel, 'provider', p_provider
    ));
    return true;
end
$$;

comment on function core.note_provider_status(text, text, text, uuid) is
'Note what a provider says has become of a message: sent, delivered, read, or failed. It only goes forward (sent, delivered, read, acknowledged): what comes late or twice changes nothing, and failed counts only for what was not delivered. p_delivery_id, where the provider gives it back, finds a message whose worker has not noted yet what the provider calls it. False where no message is meant (yet).';
revoke all on function core.note_provider_status(text, text, text, uuid) from public;
grant execute on function core.note_provider_status(text, text, text, uuid) to saferoute_tasks;
