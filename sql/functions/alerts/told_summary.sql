create or replace function core.told_summary(p_alert core.alerts, p_contact_id uuid) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select json_build_object(
    'alert_id', p_alert.alert_id,
    'from_name', max(d.from_name),
    'language', max(d.language),
    'cause', p_alert.cause,
    'state', p_alert.state,
    'duress', p_alert.is_duress,
    'drill', p_alert.is_drill,
    'raised_at', p_alert.raised_at,
    'acknowledged_at', case when p_alert.state in ('acknowledged', 'resolved') then p_alert.acknowledged_at end,
    'acknowledged_by_you', coalesce(bool_or(d.state = 'acknowledged' and d.kind = core.alert_kind(p_alert)), false),
    'ended_at', p_alert.ended_at,
    'lon', st_x(p_alert.geom),
    'lat', st_y(p_alert.geom),
    'message', p_alert.message
)
from core.alert_deliveries as d
where d.alert_id = p_alert.alert_id and d.contact_id = p_contact_id
$$;

comment on function core.told_summary(core.alerts, uuid) is
'An alert as a contact sees it: what happened to whom and where, and whether somebody takes care of it. No address, no other contact.';
revoke all on function core.told_summary(core.alerts, uuid) from public;
grant execute on function core.told_summary(core.alerts, uuid) to saferoute_api;
