create or replace function core.journey_summary(p_journey core.journeys) returns json
language sql immutable parallel safe security invoker
as $$
select json_build_object(
    'journey_id', p_journey.journey_id,
    'started_at', p_journey.started_at,
    'ended_at', p_journey.ended_at,
    'from_lon', public.st_x(p_journey.origin),
    'from_lat', public.st_y(p_journey.origin),
    'to_lon', public.st_x(p_journey.destination),
    'to_lat', public.st_y(p_journey.destination)
)
$$;

comment on function core.journey_summary(core.journeys) is
'A journey as its walker sees it: the arguments it was started with, and when it ended (null while it lasts). Inlined, so it has no search_path of its own.';
revoke all on function core.journey_summary(core.journeys) from public;
grant execute on function core.journey_summary(core.journeys) to saferoute_api, saferoute_tasks;
