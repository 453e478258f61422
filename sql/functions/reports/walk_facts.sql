create or replace function core.walk_facts(p_user_id uuid, p_journey_id uuid, p_with_map boolean) returns json
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_journey core.journeys := core.own_journey(p_user_id, p_journey_id);
    v_city core.cities;
    v_srid integer;
    v_track record;
    v_path geometry;
    v_map json;
begin
    select
        count(*) as points,
        min(p.recorded_at) as since,
        max(p.recorded_at) as until,
        json_agg(json_build_array(st_x(p.geom), st_y(p.geom), p.recorded_at) order by p.recorded_at) as positions,
        st_makeline(p.geom order by p.recorded_at) as line
    into v_track
    from core.walk_points(v_journey) as p;
    if v_track.points = 0 then
        perform core.fail('SR021', format('journey %s', p_journey_id));
    elsif v_track.points = 1 then
        v_track.line := st_addpoint(v_track.line, st_startpoint(v_track.line)); -- a line has two positions
    end if;
    select c.* into v_city
    from core.cities as c
    where c.walkable_bounds && v_journey.origin
    order by st_area(c.walkable_bounds), c.city_id
    limit 1;
    v_srid := coalesce(v_city.utm_srid, core.utm_srid(v_journey.origin));
    if p_with_map then
        -- 2 m are less than a GPS knows and leave a tenth of the positions.
        v_path := st_simplify(st_transform(v_track.line, v_srid), 2, true);
        v_map := core.walk_map(v_city, v_path, v_track.since);
    end if;
    return json_build_object(
        'journey', core.journey_summary(v_journey),
        'city', v_city.name,
        'time_zone', coalesce(v_city.time_zone, 'UTC'),
        'points', v_track.points,
        'first_point_at', v_track.since,
        'last_point_at', v_track.until,
        'length_m', round(st_length(v_track.line::geography)::numeric, 1),
        'positions', v_track.positions,
        'happenings', (
            select json_agg(json_build_object(
                'at', h.at, 'until', h.until, 'what', h.what, 'state', h.state, 'reason', h.reason, 'is_drill', h.is_drill,
                'lon', st_x(h.geom), 'lat', st_y(h.geom),
                'x', st_x(m.m) - (v_map ->> 'west')::float8, 'y', (v_map ->> 'south')::float8 - st_y(m.m)
            ))
            from core.walk_happenings(v_journey, v_srid) as h cross join lateral st_transform(h.geom, v_srid) as m (m)
        ),
        'alerts', core.walk_alerts(v_journey),
        'data_from', lower(core.city_data_period(v_city.city_id)),
        'data_until', upper(core.city_data_period(v_city.city_id)),
        'map', v_map
    );
end
$$;

comment on function core.walk_facts(uuid, uuid, boolean) is
'Everything that a report of a person''s own walk shows: positions as [lon, lat, time], length (metres on the spheroid), what happened where (x and y are of the map), alerts, and the map where it is asked for. SR002, SR021 where there is nothing to report of.';
revoke all on function core.walk_facts(uuid, uuid, boolean) from public;
grant execute on function core.walk_facts(uuid, uuid, boolean) to saferoute_tasks;
