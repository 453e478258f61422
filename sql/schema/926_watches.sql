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
