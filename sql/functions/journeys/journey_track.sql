create or replace function core.journey_track(p_user_id uuid, p_journey_id uuid) returns json
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = 'force_custom_plan'
set max_parallel_workers_per_gather = '0'
as $$
declare
    v_journey core.journeys := core.own_journey(p_user_id, p_journey_id);
    v_track record;
begin
    select
        count(*) as points,
        min(p.recorded_at) as since,
        max(p.recorded_at) as until,
        json_agg(p.recorded_at order by p.recorded_at, p.cell) as times,
        st_makeline(p.geom order by p.recorded_at, p.cell) as line
    into v_track
    from core.journey_points as p
    where p.journey_id = p_journey_id
        and p.recorded_at >= v_journey.points_from
        and p.recorded_at < v_journey.points_until
        and p.cell = any(v_journey.cells);
    if v_track.points = 0 then
        perform core.fail('SR021', format('journey %s', p_journey_id));
    end if;
    if v_track.points = 1 then
        -- A line has two positions.
        v_track.line := st_addpoint(v_track.line, st_startpoint(v_track.line));
        v_track.times := json_build_array(v_track.since, v_track.since);
    end if;
    return json_build_object(
        'type', 'Feature',
        'geometry', st_asgeojson(v_track.line, 7)::json,
        'properties', jsonb_build_object(
            'points', v_track.points,
            'length_m', round(st_length(v_track.line::geography)::numeric, 1),
            'first_point_at', v_track.since,
            'last_point_at', v_track.until,
            'duration_s', extract(epoch from v_track.until - v_track.since),
            'times', v_track.times
        ) || core.journey_summary(v_journey)::jsonb
    );
end
$$;

comment on function core.journey_track(uuid, uuid) is
'The walked line of the person''s own journey as a GeoJSON Feature: measured length (metres on the spheroid), times, and one time for each position. SR021 where it has no points.';
revoke all on function core.journey_track(uuid, uuid) from public;
grant execute on function core.journey_track(uuid, uuid) to saferoute_api;
