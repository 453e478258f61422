create or replace function core.note_inbox_read(p_user_id uuid, p_sequence bigint) returns integer
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_delivery record;
    v_noted integer := 0;
begin
    for v_delivery in
        select d.delivery_id, d.alert_id
        from core.alert_deliveries as d
        where d.channel = 'live' and d.recipient_id = p_user_id and d.state in ('sent', 'delivered')
            and d.alert_id in (
                select e.alert_id
                from core.inbox_entries as e
                -- Who watches says so again and again: what is further back was read before.
                where e.user_id = p_user_id and e.sequence <= p_sequence and e.sequence > p_sequence - 100
            )
        order by d.alert_id, d.delivery_id
        for update of d
    loop
        update core.alert_deliveries as d set
            state = 'read',
            delivered_at = coalesce(d.delivered_at, clock_timestamp()),
            read_at = clock_timestamp()
        where d.delivery_id = v_delivery.delivery_id;
        perform core.append_alert_event(v_delivery.alert_id, 'read', v_delivery.delivery_id, '{"channel": "live"}');
        v_noted := v_noted + 1;
    end loop;
    return v_noted;
end
$$;

comment on function core.note_inbox_read(uuid, bigint) is
'Note that an account has seen its inbox up to that sequence: what it was told live is read. How many deliveries that are; again none.';
revoke all on function core.note_inbox_read(uuid, bigint) from public;
grant execute on function core.note_inbox_read(uuid, bigint) to saferoute_tasks;
