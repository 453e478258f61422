create or replace function core.journey_path(p_journey core.journeys, p_since_seq bigint, p_precision text) returns json
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = 'force_custom_plan'
set max_parallel_workers_per_gather = '0'
as $$
declare
    v_since timestamptz := greatest(
        p_journey.points_from,
        timestamptz 'epoch' + least(greatest(p_since_seq, 0), 4102444800000000) * interval '1 microsecond'
    );
begin
    return (
        select json_agg(json_build_array(st_x(c.geom), st_y(c.geom), core.microseconds(c.recorded_at)) order by c.recorded_at)
        from (
            select n.recorded_at, n.geom, lag(n.geom) over (order by n.recorded_at) as geom_before
            from (
                select p.recorded_at, core.coarse_position(p.geom, p_precision) as geom
                from core.journey_points as p
                where p.journey_id = p_journey.journey_id
                    and p.recorded_at > v_since
                    and p.recorded_at >= p_journey.points_from
                    and p.recorded_at < p_journey.points_until
                    and p.cell = any(p_journey.cells)
                order by p.recorded_at desc
                limit 2000
            ) as n
        ) as c
        where p_precision = 'exact' or c.geom_before is null or not st_equals(c.geom, c.geom_before)
    );
end
$$;

comment on function core.journey_path(core.journeys, bigint, text) is
'The positions of a walk recorded after p_since_seq, the newest 2,000 of them, oldest first, each as [lon, lat, seq]; null where there are none. Where they are coarse, those that repeat the one before are left out.';
revoke all on function core.journey_path(core.journeys, bigint, text) from public;
grant execute on function core.journey_path(core.journeys, bigint, text) to saferoute_live;
