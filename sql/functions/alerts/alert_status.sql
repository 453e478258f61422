create or replace function core.alert_status(p_user_id uuid, p_alert_id uuid) returns json
language plpgsql stable parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_alert core.alerts := core.told_alert(p_user_id, p_alert_id);
    v_until timestamptz := coalesce(v_alert.shown_ended_at, 'infinity');
begin
    if v_alert.user_id is distinct from p_user_id then
        return core.told_summary(v_alert, core.told_contact_id(p_alert_id, p_user_id));
    end if;
    return core.alert_summary(v_alert)::jsonb || jsonb_build_object('recipients', (
        select coalesce(jsonb_agg(r.recipient order by r.tier, r.contact_id), '[]')
        from (
            select
                d.contact_id,
                min(d.tier) as tier,
                jsonb_build_object(
                    'contact_id', d.contact_id,
                    'name', min(c.name),
                    'deliveries', jsonb_agg(jsonb_build_object(
                        'channel', d.channel,
                        'tier', d.tier,
                        -- As it was when the walker cancelled, or was made to: what came later would tell one from the other.
                        'state', case
                            when d.state = 'failed' then 'failed'
                            when d.sent_at is null and v_until < 'infinity' or d.sent_at >= v_until then 'cancelled'
                            when d.state = 'acknowledged' and d.acknowledged_at >= v_until then 'sent'
                            else d.state
                        end,
                        'due_at', d.due_at,
                        'attempts', d.attempts,
                        'sent_at', case when d.sent_at < v_until then d.sent_at end,
                        'delivered_at', case when d.delivered_at < v_until then d.delivered_at end,
                        'read_at', case when d.read_at < v_until then d.read_at end,
                        'acknowledged_at', case when d.acknowledged_at < v_until then d.acknowledged_at end,
                        'error', d.error
                    ) order by d.tier, d.channel, d.delivery_id)
                ) as recipient
            from core.alert_deliveries as d
            left join core.contacts as c on d.contact_id = c.contact_id
            where d.alert_id = p_alert_id and d.kind = 'alert' and d.due_at < v_until
            group by d.contact_id
        ) as r
    ));
end
$$;

comment on function core.alert_status(uuid, uuid) is
'An alert as the person may see it: the walker with every message to every contact, a contact as core.told_summary has it. SR090 where it is neithers.';
revoke all on function core.alert_status(uuid, uuid) from public;
grant execute on function core.alert_status(uuid, uuid) to saferoute_api;
