create or replace function core.walk_alerts(p_journey core.journeys) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select coalesce(json_agg(core.alert_summary(a)::jsonb || jsonb_build_object('deliveries', (
    select coalesce(jsonb_agg(jsonb_build_object(
        'name', c.name,
        'channel', d.channel,
        -- As core.alert_status has it: what came after the walker cancelled, or was made to, would tell one from the other.
        'state', case
            when d.state = 'failed' then 'failed'
            when d.sent_at is null and u.until < 'infinity' or d.sent_at >= u.until then 'cancelled'
            when d.state = 'acknowledged' and d.acknowledged_at >= u.until then 'sent'
            else d.state
        end,
        'sent_at', case when d.sent_at < u.until then d.sent_at end,
        'delivered_at', case when d.delivered_at < u.until then d.delivered_at end,
        'acknowledged_at', case when d.acknowledged_at < u.until then d.acknowledged_at end
    ) order by d.tier, c.name, d.channel, d.delivery_id), '[]')
    from core.alert_deliveries as d
    left join core.contacts as c on c.contact_id = d.contact_id and c.user_id = a.user_id
    where d.alert_id = a.alert_id and d.kind = 'alert' and d.due_at < u.until
)) order by a.raised_at), '[]')
from core.alerts as a
cross join lateral (select coalesce(a.shown_ended_at, 'infinity') as until) as u
where a.journey_id = p_journey.journey_id and a.user_id = p_journey.user_id
$$;

comment on function core.walk_alerts(core.journeys) is
'The alerts of a walk as its walker may see them, and who was told when. One that was cancelled under duress looks like any that was cancelled: the walker may not be alone when they open the report.';
revoke all on function core.walk_alerts(core.journeys) from public;
grant execute on function core.walk_alerts(core.journeys) to saferoute_tasks;
