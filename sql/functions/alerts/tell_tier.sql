create or replace function core.tell_tier(p_alert core.alerts, p_tier smallint) returns core.inbox_entries[]
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_kind text := core.alert_kind(p_alert);
    v_entries core.inbox_entries [];
    v_deliveries jsonb;
begin
    with told as (
        update core.alert_deliveries as d set state = 'sent', sent_at = clock_timestamp(), attempts = 1
        where d.alert_id = p_alert.alert_id and d.kind = v_kind and d.tier = p_tier
            and d.channel = 'live' and d.state = 'queued' and d.recipient_id is not null
        returning d.recipient_id, d.from_name
    )

    select array_agg(
        core.inbox_entry(
            p_alert, t.recipient_id, case v_kind when 'alert' then 'raised' else v_kind end,
            jsonb_build_object('from_name', t.from_name)
        )
    ) into v_entries
    from told as t;

    select jsonb_agg(jsonb_build_object('delivery_id', d.delivery_id, 'contact_id', d.contact_id, 'channel', d.channel))
    into v_deliveries
    from core.alert_deliveries as d
    where d.alert_id = p_alert.alert_id and d.kind = v_kind and d.tier = p_tier
        and (d.state = 'queued' or d.channel = 'live');
    perform core.enqueue_task('alarm', 'deliver', jsonb_build_array(d -> 'delivery_id'))
    from jsonb_array_elements(v_deliveries) as d
    where d ->> 'channel' <> 'live';
    if v_deliveries is not null then
        perform core.append_alert_event(
            p_alert.alert_id, 'queued', null, jsonb_build_object('kind', v_kind, 'tier', p_tier, 'deliveries', v_deliveries)
        );
    end if;
    return coalesce(v_entries, '{}');
end
$$;

comment on function core.tell_tier(core.alerts, smallint) is
'Have one tier told of an alert: a task per message, and the entries for inboxes that core.add_inbox_entries is to write.';
revoke all on function core.tell_tier(core.alerts, smallint) from public;
grant execute on function core.tell_tier(core.alerts, smallint) to saferoute_api, saferoute_tasks;
