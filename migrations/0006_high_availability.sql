-- migration: pre
-- High availability.

-- by hand: first

-- source: sql/functions/alerts/last_position.sql sha256:59006db8ee79c5688fa3bbfe2e1474dee92f0853151bb0c2abef71af2b637b82
create or replace function core.last_position(p_user_id uuid, p_journey_id uuid) returns geometry
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_journey core.journeys;
begin
    select j.* into v_journey
    from core.journeys as j
    where j.user_id = p_user_id and j.erasing_since is null
        and case
            when p_journey_id is null then j.ended_at is null and j.started_at > now() - interval '1 day'
            else j.journey_id = p_journey_id
        end
    order by j.started_at desc
    limit 1;
    return (core.newest_point(v_journey)).geom;
end
$$;

comment on function core.last_position(uuid, uuid) is
'Where a person was last on this walk, or, where p_journey_id is null, on the one they are on; null where nothing is known.';
revoke all on function core.last_position(uuid, uuid) from public;
grant execute on function core.last_position(uuid, uuid) to saferoute_api, saferoute_tasks;

-- source: sql/functions/deliveries/claim_delivery.sql sha256:e1a0458be6954b9897ead4f76d4f264a0052bcdd9be2bdf4755e34e28a2f9321
create or replace function core.claim_delivery(p_delivery_id uuid, p_lease interval) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_delivery core.alert_deliveries;
begin
    -- A delivery is its row's: whoever comes second finds it claimed. Nothing else is locked here, so nobody waits in a ring.
    update core.sendable_deliveries as d set
        attempts = d.attempts + 1, claim_id = gen_random_uuid(), claimed_until = clock_timestamp() + p_lease
    where d.delivery_id = p_delivery_id and (d.claimed_until is null or d.claimed_until <= clock_timestamp())
    returning d.* into v_delivery;
    if not found then
        return null;
    end if;
    -- Every worker that had it was killed: it is not tried for ever.
    if v_delivery.attempts > (select p.attempts from core.delivery_policies as p where p.channel = v_delivery.channel) then
        perform core.note_failed(v_delivery.claim_id, 'no attempt came to its end', null, true);
        return null;
    end if;
    if v_delivery.endpoint_id is not null and not exists (
        select from core.notification_endpoints as e where e.endpoint_id = v_delivery.endpoint_id
    ) then
        perform core.note_failed(v_delivery.claim_id, 'the browser or webhook was removed', null, true);
        return null;
    end if;
    return core.delivery_message(v_delivery);
end
$$;

comment on function core.claim_delivery(uuid, interval) is
'Take a delivery that is due, for p_lease: what is to be sent, and the claim_id to report with. Null where there is nothing to do: it is not due, another has it, it was sent, given up or cancelled. attempts counts this one; from the second on the provider is asked first whether it has the message.';
revoke all on function core.claim_delivery(uuid, interval) from public;
grant execute on function core.claim_delivery(uuid, interval) to saferoute_tasks;

-- source: sql/functions/deliveries/due_deliveries.sql sha256:f5841386880d2c578032f8f359fa00cddfd0cfc64d359cab5d788f03e517c332
create or replace function core.due_deliveries(p_limit integer) returns setof uuid
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    return query
    select d.delivery_id
    from core.sendable_deliveries as d
    where d.claimed_until is null or d.claimed_until <= clock_timestamp()
    order by d.next_attempt_at
    limit p_limit;
end
$$;

comment on function core.due_deliveries(integer) is
'The deliveries that are due and that nobody has claimed, those first that have waited longest.';
revoke all on function core.due_deliveries(integer) from public;
grant execute on function core.due_deliveries(integer) to saferoute_tasks;

-- source: sql/functions/deliveries/queue_state.sql sha256:65378710a68b4d6a5121015fc8a798cea159671ab9b4440d2b67f89c93e8b2d3
create or replace function core.queue_state() returns json
language plpgsql stable parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    return json_build_object(
        'queues', (
            select json_object_agg(q.queue, json_build_object('tasks', q.tasks, 'oldest_s', q.oldest_s))
            from (
                select
                    n.queue,
                    count(w.vt) as tasks,
                    coalesce(round(extract(epoch from clock_timestamp() - min(w.vt))::numeric, 3), 0) as oldest_s
                from unnest('{alarm,default,bulk}'::text []) as n (queue)
                left join lateral (
                    select q.vt from pgmq.q_alarm as q where n.queue = 'alarm'
                    union all
                    select q.vt from pgmq.q_default as q where n.queue = 'default'
                    union all
                    select q.vt from pgmq.q_bulk as q where n.queue = 'bulk'
                ) as w on w.vt <= clock_timestamp()
                group by n.queue
            ) as q
        ),
        'deliveries', (
            select json_build_object(
                'due', count(*),
                'oldest_s', coalesce(round(extract(epoch from clock_timestamp() - min(d.next_attempt_at))::numeric, 3), 0),
                'claimed', count(*) filter (where d.claimed_until > clock_timestamp()),
                'retried', count(*) filter (where d.attempts > 0 and d.claimed_until is null)
            )
            from core.sendable_deliveries as d
        ),
        'messages', (
            select json_build_object(
                'due', count(*),
                'oldest_s', coalesce(round(extract(epoch from clock_timestamp() - min(m.next_attempt_at))::numeric, 3), 0)
            )
            from core.outbound_messages as m
            where m.status in ('queued', 'claimed') and m.next_attempt_at <= clock_timestamp()
        ),
        'dead_letters', (select count(*) from core.alert_deliveries as d where d.is_dead)
    );
end
$$;

comment on function core.queue_state() is
'How work stands: tasks that wait in each queue and for how long (seconds), deliveries and messages that are due (those that a worker has at the moment too), and dead letters.';
revoke all on function core.queue_state() from public;
grant execute on function core.queue_state() to saferoute_tasks;

-- source: sql/functions/watch/newest_point.sql sha256:76843d77d48dca392a19ba35bff76b90ab1a95bf1243946a4f3c9b988ba217f5
create or replace function core.newest_point(p_journey core.journeys) returns core.journey_points
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = 'force_custom_plan'
set max_parallel_workers_per_gather = '0'
as $$
declare
    v_point core.journey_points;
begin
    select p.* into v_point
    from core.journey_points as p
    where p.journey_id = p_journey.journey_id
        -- The last day has at least one; the days of a long walk before it are leaves not worth looking into.
        and p.recorded_at >= greatest(p_journey.points_from, p_journey.points_until - interval '2 days')
        and p.recorded_at < p_journey.points_until
        and p.cell = any(p_journey.cells)
    order by p.recorded_at desc
    limit 1;
    return v_point;
end
$$;

comment on function core.newest_point(core.journeys) is 'The position of a walk that was recorded last; null without any.';
revoke all on function core.newest_point(core.journeys) from public;
grant execute on function core.newest_point(core.journeys) to saferoute_api, saferoute_live, saferoute_tasks;

-- source: sql/schema/922_alerts.sql sha256:3436a85a37d968a685c0e0a352d8694ca604d0769dc0924d2173199d27e898a0
-- The second wall around alerts: a walker has their own; who was told of one, in the app or by link, has that one; workers
-- see everybody's, and no app role is a worker.
do $$
declare
    v_table text;
begin
    foreach v_table in array array[
        'alerts', 'alert_deliveries', 'alert_events', 'alert_links', 'alert_settings', 'inboxes', 'inbox_entries',
        'notification_endpoints'
    ] loop
        execute format('alter table core.%I enable row level security', v_table);
        execute format('drop policy if exists own_rows on core.%I', v_table);
        execute format(
            'create policy own_rows on core.%I to saferoute_api using (user_id = (select core.current_user_id()))', v_table
        );
        execute format('drop policy if exists every_row on core.%I', v_table);
        execute format('create policy every_row on core.%I to saferoute_tasks using (true)', v_table);
    end loop;
    -- Of whose walk it is, and whom to tell: also for sweeps and reports.
    foreach v_table in array array['contacts', 'journeys', 'journey_points'] loop
        execute format('drop policy if exists every_row on core.%I', v_table);
        execute format('create policy every_row on core.%I for select to saferoute_tasks using (true)', v_table);
    end loop;
    foreach v_table in array array['alerts', 'alert_deliveries', 'alert_events'] loop
        execute format('drop policy if exists opened on core.%I', v_table);
        execute format(
            'create policy opened on core.%I to saferoute_api using (alert_id = (select core.opened_alert_id()))', v_table
        );
    end loop;
end
$$;

alter table core.alert_chains enable row level security;
drop policy if exists of_alerts on core.alert_chains;
create policy of_alerts on core.alert_chains to saferoute_api, saferoute_tasks
using (exists (
    select from core.alerts as a
    where a.alert_id = alert_chains.alert_id
));

drop policy if exists by_link on core.alert_links;
create policy by_link on core.alert_links for select to saferoute_api
using (digest = (select core.shown_alert_link()));

-- What a walker's call writes to their contacts: an entry about themselves, in an inbox of a contact of theirs.
drop policy if exists of_contacts on core.inboxes;
create policy of_contacts on core.inboxes to saferoute_api
using (user_id in (
    select c.contact_user_id from core.contacts as c
    where c.user_id = (select core.current_user_id())
));
drop policy if exists told_by_walker on core.inbox_entries;
create policy told_by_walker on core.inbox_entries for insert to saferoute_api
with check (walker_id = (select core.current_user_id()));
drop policy if exists of_contacts on core.notification_endpoints;
create policy of_contacts on core.notification_endpoints for select to saferoute_api
using (user_id in (
    select c.contact_user_id from core.contacts as c
    where c.user_id = (select core.current_user_id())
));

drop policy if exists watched on core.inboxes;
create policy watched on core.inboxes for select to saferoute_live using (true);
drop policy if exists watched on core.inbox_entries;
create policy watched on core.inbox_entries for select to saferoute_live using (true);

-- source: sql/schema/925_sendable_deliveries.sql sha256:588df0203b2c03b781997b18785356963b6ada837699c50adb7d3d684a989881
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

-- source: sql/schema/926_watches.sql sha256:0d6d50cd2e03c546324da068af60395b01ee07ea35a42f5667f7194b1e204432
-- The second wall around watched walks: a walker has their own; the sweep looks after everybody's, and the live gateway
-- shows what live.* lets through. No app role calls either.
do $$
declare
    v_table text;
begin
    foreach v_table in array array['watches', 'journey_events', 'journey_shares', 'geofences'] loop
        execute format('alter table core.%I enable row level security', v_table);
        execute format('drop policy if exists own_rows on core.%I', v_table);
        execute format(
            'create policy own_rows on core.%I to saferoute_api using (user_id = (select core.current_user_id()))', v_table
        );
    end loop;
    foreach v_table in array array['watches', 'journey_events', 'geofences'] loop
        execute format('drop policy if exists every_row on core.%I', v_table);
        execute format('create policy every_row on core.%I to saferoute_tasks using (true)', v_table);
    end loop;
    foreach v_table in array array[
        'watches', 'journey_events', 'journey_shares', 'journeys', 'journey_points', 'contacts', 'alerts'
    ] loop
        execute format('drop policy if exists watched on core.%I', v_table);
        execute format('create policy watched on core.%I for select to saferoute_live using (true)', v_table);
    end loop;
end
$$;

-- source: sql/schema/928_reports.sql sha256:5d76c4b2d820c286003a2b2175c9fd8e0698bea8b5655612639ab6757dca9af2
-- The second wall around reports: a person has their own; workers make everybody's, and no app role calls them.
alter table core.reports enable row level security;
drop policy if exists own_rows on core.reports;
create policy own_rows on core.reports to saferoute_api
using (user_id = (select core.current_user_id()));
drop policy if exists every_row on core.reports;
create policy every_row on core.reports to saferoute_tasks using (true);

-- by hand: last
