-- The second wall: rows of other people do not exist for saferoute_api, whatever a function asks for.
-- No FORCE: the owner's pg_dump, and so every archive, would fail.
alter table core.journeys enable row level security;
drop policy if exists own_rows on core.journeys;
create policy own_rows on core.journeys to saferoute_api
using (user_id = (select core.current_user_id()));

alter table core.journey_points enable row level security;
drop policy if exists own_rows on core.journey_points;
create policy own_rows on core.journey_points to saferoute_api
using (user_id = (select core.current_user_id()));

alter table core.point_quarantine enable row level security;
drop policy if exists own_rows on core.point_quarantine;
create policy own_rows on core.point_quarantine to saferoute_api
using (user_id = (select core.current_user_id()));
