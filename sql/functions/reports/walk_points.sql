create or replace function core.walk_points(p_journey core.journeys)
returns table (recorded_at timestamptz, geom geometry)
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = 'force_custom_plan'
set max_parallel_workers_per_gather = '0'
as $$
begin
    return query
    select p.recorded_at, p.geom
    from core.journey_points as p
    where p.journey_id = p_journey.journey_id
        and p.recorded_at >= p_journey.points_from
        and p.recorded_at < p_journey.points_until
        and p.cell = any(p_journey.cells)
    order by p.recorded_at, p.cell;
end
$$;

comment on function core.walk_points(core.journeys) is 'The positions of a walk (EPSG:4326), in order.';
revoke all on function core.walk_points(core.journeys) from public;
grant execute on function core.walk_points(core.journeys) to saferoute_tasks;
