-- One condition for whoever claims, queues and counts: a message that may go out, and only that.
create or replace view core.sendable_deliveries with (security_invoker = true) as
select d.*
from core.alert_deliveries as d
where
    d.state = 'queued' and d.channel <> 'live' and d.address is not null
    and d.next_attempt_at <= clock_timestamp()
    -- Told tier by tier: not before its own, and not after somebody has taken care.
    and exists (
        select from core.alerts as a
        where
            a.alert_id = d.alert_id
            and (a.ended_at is null and a.tier >= d.tier or d.kind not in ('alert', 'duress'))
    );
comment on view core.sendable_deliveries is 'Messages about alerts that a provider is to have now; a worker may be sending one at the moment (claimed_until).';
grant select, update on core.sendable_deliveries to saferoute_tasks;
