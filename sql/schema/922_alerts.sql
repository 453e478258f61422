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
