create or replace view ops.dead_letters as
select
    d.delivery_id,
    d.alert_id,
    a.cause,
    a.is_drill,
    a.state as alert_state,
    d.kind,
    d.channel,
    d.tier,
    d.provider,
    d.attempts,
    d.error,
    d.queued_at,
    d.next_attempt_at as last_due_at
from core.alert_deliveries as d
inner join core.alerts as a using (alert_id)
where d.is_dead;
comment on view ops.dead_letters is 'Messages about alerts that were given up: refused by the provider, or tried too often. `saferoute alerts replay` has them sent again. To whom is not shown.';
comment on column ops.dead_letters.cause is 'Why the alert was raised.';
comment on column ops.dead_letters.alert_state is 'Of the alert now: one that was resolved or cancelled is seldom worth another message.';
comment on column ops.dead_letters.kind is 'alert, or the later message about it.';
comment on column ops.dead_letters.error is 'Why the last attempt failed.';
comment on column ops.dead_letters.last_due_at is 'When the last attempt was due.';
grant select on ops.dead_letters to operator;
