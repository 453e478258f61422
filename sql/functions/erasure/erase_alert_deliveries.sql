create or replace function core.erase_alert_deliveries(
    p_user_id uuid, p_limit bigint
) returns table (leaf regclass, removed bigint)
language plpgsql volatile strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    leaf := 'core.alert_deliveries'::regclass;
    -- An account that is a contact of others is told of their alerts: that it was, and at which address, goes as well. Arrays
    -- let each index be used.
    update core.alert_deliveries as d set
        user_id = nullif(d.user_id, p_user_id),
        recipient_id = nullif(d.recipient_id, p_user_id),
        endpoint_id = null,
        address = null,
        from_name = case when d.user_id is distinct from p_user_id then d.from_name end,
        address_digest = sha256(uuid_send(d.delivery_id)),
        provider_id = null,
        error = null,
        state = case when d.state = 'queued' then 'cancelled' else d.state end,
        is_dead = false
    where d.delivery_id = any(array(
        select o.delivery_id from core.alert_deliveries as o
        where o.user_id = p_user_id or o.recipient_id = p_user_id
            or o.address = any(array(select core.user_addresses(p_user_id)))
        limit p_limit
    ));
    get diagnostics removed = row_count;
    return next;
end
$$;

comment on function core.erase_alert_deliveries(uuid, bigint) is
'Take a person out of up to p_limit deliveries: of alerts of theirs, and of those that they were told of as a contact. The address goes, and what a provider could find it by; what became of the message stays.';
revoke all on function core.erase_alert_deliveries(uuid, bigint) from public;
