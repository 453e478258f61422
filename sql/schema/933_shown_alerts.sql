-- What an export shows of alerts. One that was cancelled under duress looks like any that was cancelled: whoever made the
-- walker cancel may have them export as well. And where a contact is told by a browser or a webhook is the contact's.
create or replace view core.shown_alerts as
select
    a.alert_id,
    a.user_id,
    a.journey_id,
    a.cause,
    a.is_silent,
    a.is_drill,
    a.geom,
    a.message,
    a.raised_at,
    a.shown_state,
    a.shown_ended_at,
    coalesce(a.shown_state, a.state) as state,
    coalesce(a.shown_ended_at, a.ended_at) as ended_at,
    case when a.acknowledged_at < coalesce(a.shown_ended_at, 'infinity') then a.acknowledged_at end as acknowledged_at
from core.alerts as a;
comment on view core.shown_alerts is 'core.alerts as its walker may see them.';

create or replace view core.shown_alert_deliveries as
select
    d.delivery_id,
    d.alert_id,
    d.user_id,
    d.contact_id,
    d.kind,
    d.channel,
    d.language,
    d.tier,
    d.due_at,
    d.attempts,
    d.provider,
    d.provider_id,
    d.error,
    d.queued_at,
    d.from_name,
    case when d.channel in ('sms', 'voice', 'email') then d.address end as address,
    case
        when d.state = 'failed' then 'failed'
        when (d.sent_at is null and a.shown_ended_at is not null) or d.sent_at >= a.shown_ended_at then 'cancelled'
        when d.state = 'acknowledged' and d.acknowledged_at >= a.shown_ended_at then 'sent'
        else d.state
    end as state,
    case when d.sent_at < coalesce(a.shown_ended_at, 'infinity') then d.sent_at end as sent_at,
    case when d.delivered_at < coalesce(a.shown_ended_at, 'infinity') then d.delivered_at end as delivered_at,
    case when d.read_at < coalesce(a.shown_ended_at, 'infinity') then d.read_at end as read_at,
    case when d.acknowledged_at < coalesce(a.shown_ended_at, 'infinity') then d.acknowledged_at end as acknowledged_at
from core.alert_deliveries as d
inner join core.alerts as a on d.alert_id = a.alert_id
where d.queued_at < coalesce(a.shown_ended_at, 'infinity');
comment on view core.shown_alert_deliveries is 'core.alert_deliveries as the walker may see them, up to what they were shown as the end.';

create or replace view core.shown_alert_events as
select
    e.alert_id,
    e.number,
    e.event,
    e.at,
    e.delivery_id,
    e.user_id,
    e.content
from core.alert_events as e
inner join core.alerts as a on e.alert_id = a.alert_id
where e.at < coalesce(a.shown_ended_at, 'infinity');
comment on view core.shown_alert_events is 'core.alert_events as the walker may see them, up to what they were shown as the end.';
