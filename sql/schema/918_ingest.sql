-- The points of many callers in one transaction: no single caller whose rows a policy could compare with. What stands
-- instead is how little the role may do, and core.record_points_together, all that it runs.
drop policy if exists together on core.journeys;
create policy together on core.journeys to saferoute_ingest using (true);
grant select, update (points_from, points_until, cells) on core.journeys to saferoute_ingest;

drop policy if exists together on core.journey_points;
create policy together on core.journey_points to saferoute_ingest using (true);
grant select (journey_id, recorded_at, cell), insert on core.journey_points to saferoute_ingest;
