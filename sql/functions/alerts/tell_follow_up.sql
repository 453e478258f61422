create or replace function core.tell_follow_up(p_alert core.alerts) returns core.inbox_entries[]
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_entries core.inbox_entries [] := '{}';
    v_told jsonb;
begin
    insert into core.alert_deliveries (
        delivery_id, alert_id, user_id, contact_id, recipient_id, kind, channel, address, address_digest, language, tier,
        due_at, next_attempt_at, endpoint_id, from_name, state, sent_at, attempts
    )
    select distinct on (d.contact_id, d.channel, d.address)
        core.uuid_v7(), p_alert.alert_id, p_alert.user_id, d.contact_id, d.recipient_id, p_alert.follow_up, d.channel,
        d.address, d.address_digest, d.language, p_alert.is_duress::integer, clock_timestamp(), clock_timestamp(),
        d.endpoint_id, d.from_name,
        case d.channel when 'live' then 'sent' else 'queued' end,
        case d.channel when 'live' then clock_timestamp() end,
        (d.channel = 'live')::integer
    from core.alert_deliveries as d
    inner join core.contacts as c on d.contact_id = c.contact_id and c.state = 'accepted'
    where d.alert_id = p_alert.alert_id and d.kind in ('alert', 'duress') and d.channel <> 'voice'
        -- Also one that a worker has in hand: it may arrive.
        and d.attempts > 0
        -- Not an account that has gone meanwhile.
        and coalesce(d.address, d.recipient_id::text) is not null
        and (p_alert.follow_up <> 'acknowledged' or d.contact_id is distinct from p_alert.acknowledged_by)
    on conflict do nothing;

    select
        jsonb_agg(jsonb_build_object('delivery_id', d.delivery_id, 'contact_id', d.contact_id, 'channel', d.channel)),
        coalesce(array_agg(
            core.inbox_entry(p_alert, d.recipient_id, d.kind, jsonb_build_object('from_name', d.from_name))
        ) filter (where d.channel = 'live'), '{}')
    into v_told, v_entries
    from core.alert_deliveries as d
    where d.alert_id = p_alert.alert_id and d.kind = p_alert.follow_up and d.tier = p_alert.is_duress::integer
        and coalesce(d.address, d.recipient_id::text) is not null;
    perform core.enqueue_task('alarm', 'deliver', jsonb_build_array(d -> 'delivery_id'))
    from jsonb_array_elements(v_told) as d
    where d ->> 'channel' <> 'live';

    -- The walker too, unless they were told when they ended it, or must not see that it goes on.
    if p_alert.user_id is not null and not exists (
        select from core.inbox_entries as e
        where e.alert_id = p_alert.alert_id and e.user_id = p_alert.user_id
            and (e.event = p_alert.follow_up or p_alert.is_duress)
    ) then
        v_entries := v_entries || core.inbox_entry(p_alert, p_alert.user_id, p_alert.follow_up, jsonb_build_object(
            'contact_id', case p_alert.follow_up when 'acknowledged' then p_alert.acknowledged_by end
        ));
    end if;
    update core.alerts as a set follow_up = null where a.alert_id = p_alert.alert_id;
    if v_told is not null then
        perform core.append_alert_event(
            p_alert.alert_id, 'queued', null, jsonb_build_object('kind', p_alert.follow_up, 'deliveries', v_told)
        );
    end if;
    return v_entries;
end
$$;

comment on function core.tell_follow_up(core.alerts) is
'Have those who were told of an alert told what has become of it (follow_up): acknowledged, resolved or cancelled, by the same channels but the telephone. The caller holds the alert''s row; the answer is for core.add_inbox_entries.';
revoke all on function core.tell_follow_up(core.alerts) from public;
grant execute on function core.tell_follow_up(core.alerts) to saferoute_tasks;
