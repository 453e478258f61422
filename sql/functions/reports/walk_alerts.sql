create or replace function core.walk_alerts(p_journey core.journeys) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select coalesce(json_agg(json_build_object(
    'cause', a.cause,
    'is_drill', a.is_drill,
    -- As it looks to the walker, who may not be alone when they open the report.
    'state', case when a.is_duress then 'cancelled' else a.state end,
    'raised_at', a.raised_at,
    'acknowledged_at', case when not a.is_duress then a.acknowledged_at end,
    'ended_at', case when not a.is_duress then a.ended_at end,
    'message', a.message,
    'told', (
        select coalesce(json_agg(json_build_object(
            'name', c.name,
            'channel', d.channel,
            'state', d.state,
            'sent_at', d.sent_at,
            'delivered_at', d.delivered_at,
            'acknowledged_at', d.acknowledged_at
        ) order by d.tier, c.name, d.channel), '[]')
        from core.alert_deliveries as d left join core.contacts as c on c.contact_id = d.contact_id and c.user_id = a.user_id
        where d.alert_id = a.alert_id and d.kind = 'alert' and not a.is_duress
    )
) order by a.raised_at), '[]')
from core.alerts as a
where a.journey_id = p_journey.journey_id and a.user_id = p_journey.user_id
$$;

comment on function core.walk_alerts(core.journeys) is
'The alerts of a walk as its walker may see them, and who was told when. Of one that was cancelled under duress nothing more than of any that was cancelled.';
revoke all on function core.walk_alerts(core.journeys) from public;
grant execute on function core.walk_alerts(core.journeys) to saferoute_tasks;
