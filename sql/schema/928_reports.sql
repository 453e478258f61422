-- The second wall around reports: a person has their own; workers make everybody's, and no app role calls them.
alter table core.reports enable row level security;
drop policy if exists own_rows on core.reports;
create policy own_rows on core.reports to saferoute_api
using (user_id = (select core.current_user_id()));
drop policy if exists every_row on core.reports;
create policy every_row on core.reports to saferoute_tasks using (true);
