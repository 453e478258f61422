create or replace function core.newest_point(p_journey core.journeys) returns core.journey_points
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = 'force_custom_plan'
set max_parallel_workers_per_gather = '0'
as $$
declare
    v_point core.journey_points;
begin
    select p.* into v_point
    from core.journey_points as p
    where p.journey_id = p_journey.journey_id
        -- The last day has at least one; the days of a long walk before it are leaves not worth looking into.
        and p.recorded_at >= greatest(p_journey.points_from, p_journey.points_until - interval '2 days')
        and p.recorded_at < p_journey.points_until
        and p.cell = any(p_journey.cells)
    order by p.recorded_at desc
    limit 1;
    return v_point;
end
$$;

comment on function core.newest_point(core.journeys) is 'The position of a walk that was recorded last; null without any.';
revoke all on function core.newest_point(core.journeys) from public;
grant execute on function core.newest_point(core.journeys) to saferoute_api, saferoute_live, saferoute_tasks;
