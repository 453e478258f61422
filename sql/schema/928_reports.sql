-- The second wall around reports: a person has their own; workers make everybody's, and no app role calls them.
alter table core.reports enable row level security;
drop policy if exists own_rows on core.reports;
create policy own_rows on core.reports to saferoute_api
using (user_id = (select core.current_user_id()));
drop policy if exists every_row on core.reports;
create policy every_row on core.reports to saferoute_tasks using (true);

-- Of whose walk a report is asked for stands in the report.
do $$
declare
    v_table text;
begin
    foreach v_table in array array['journeys', 'journey_points', 'contacts'] loop
        execute format('drop policy if exists every_row on core.%I', v_table);
        execute format('create policy every_row on core.%I for select to saferoute_tasks using (true)', v_table);
    end loop;
end
$$;
