create or replace function core.cross_geofence(
    p_geofence core.geofences, p_points core.journey_points[], out geofence core.geofences, out crossings jsonb[]
)
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_point core.journey_points;
    v_is_inside boolean;
begin
    geofence := p_geofence;
    crossings := '{}';
    if geofence.kind = 'risk' then
        p_points := p_points[cardinality(p_points):];
    end if;
    foreach v_point in array p_points loop
        continue when v_point.accuracy_m > 200;
        v_is_inside := case
            when geofence.kind = 'risk' then core.known_risk(v_point.geom, v_point.recorded_at) >= geofence.min_risk
            when st_covers(geofence.area, v_point.geom) then true
            -- Along its edge a phone would come and go.
            when st_distance(geofence.area::geography, v_point.geom::geography) > greatest(15, least(v_point.accuracy_m, 50))
                then false
        end;
        continue when coalesce(v_is_inside, geofence.is_inside) is not distinct from geofence.is_inside;
        if geofence.is_inside is not null then
            crossings := crossings || jsonb_build_object(
                'geofence_id', geofence.geofence_id, 'kind', geofence.kind, 'name', geofence.name, 'is_inside', v_is_inside,
                'recorded_at', v_point.recorded_at
            );
            geofence.crossed_at := case
                when geofence.kind = 'leave' and not v_is_inside then v_point.recorded_at
                when geofence.kind in ('enter', 'risk') and v_is_inside then v_point.recorded_at
            end;
        end if;
        geofence.is_inside := v_is_inside;
    end loop;
exception
    when data_exception or internal_error then
        geofence := p_geofence;
        crossings := '{}';
end
$$;

comment on function core.cross_geofence(core.geofences, core.journey_points[]) is
'An area after new positions, in order, and each time that the walker has come in or gone out. Where the walk is when the area is first looked at is no crossing. Out is 15 m from the area, or the accuracy of the position up to 50 m. Of risk only the last position is looked at: a street takes milliseconds to find.';
revoke all on function core.cross_geofence(core.geofences, core.journey_points[]) from public;
grant execute on function core.cross_geofence(core.geofences, core.journey_points[]) to saferoute_tasks;
