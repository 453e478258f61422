create or replace function core.journey_reach(p_journey core.journeys) returns box
language sql immutable parallel safe security invoker
as $$
select core.near_box(p_journey.origin, 300000)
$$;

comment on function core.journey_reach(core.journeys) is
'Longitudes and latitudes (degrees) where points of a journey can be: about 300 km around its origin. Inlined, so it has no search_path of its own.';
revoke all on function core.journey_reach(core.journeys) from public;
grant execute on function core.journey_reach(core.journeys) to saferoute_api;
