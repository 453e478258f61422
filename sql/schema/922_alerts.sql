-- The second wall around alerts: a walker has their own; deliveries and sweeps see everybody's, and no app role calls them.
do $$
declare
    v_table text;
begin
    foreach v_table in array array['alerts', 'alert_deliveries', 'alert_events', 'inboxes', 'inbox_entries'] loop
        execute format('alter table core.%I enable row level security', v_table);
        execute format('drop policy if exists own_rows on core.%I', v_table);
        execute format(
            'create policy own_rows on core.%I to saferoute_api using (user_id = (select core.current_user_id()))', v_table
        );
        execute format('drop policy if exists every_row on core.%I', v_table);
        execute format('create policy every_row on core.%I to saferoute_tasks using (true)', v_table);
    end loop;
end
$$;
drop policy if exists watched on core.inboxes;
create policy watched on core.inboxes for select to saferoute_live using (true);
drop policy if exists watched on core.inbox_entries;
create policy watched on core.inbox_entries for select to saferoute_live using (true);
