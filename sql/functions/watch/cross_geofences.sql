create or replace function core.cross_geofences(
    p_watch core.watches, p_geofences core.geofences[], p_points core.journey_points[], p_now timestamptz
) returns core.watches
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_before core.geofences;
    v_after record;
    v_crossing jsonb;
begin
    p_watch.crossed_at := null;
    foreach v_before in array p_geofences loop
        v_after := core.cross_geofence(v_before, p_points);
        foreach v_crossing in array v_after.crossings loop
            p_watch := core.note_journey_event(p_watch, 'geofence', null, v_before.kind, v_crossing, p_now);
        end loop;
        if v_after.geofence is distinct from v_before then
            update core.geofences as g set
                is_inside = (v_after.geofence).is_inside,
                crossed_at = (v_after.geofence).crossed_at
            where g.journey_id = v_before.journey_id and g.geofence_id = v_before.geofence_id;
        end if;
        p_watch.crossed_at := least(p_watch.crossed_at, (v_after.geofence).crossed_at);
    end loop;
    return p_watch;
end
$$;

comment on function core.cross_geofences(core.watches, core.geofences[], core.journey_points[], timestamptz) is
'Keep where a walk stands with its areas after new positions, with an event for each time it came in or went out; the watch with the oldest crossing that is a concern.';
revoke all on function core.cross_geofences(core.watches, core.geofences[], core.journey_points[], timestamptz) from public;
grant execute on function core.cross_geofences(core.watches, core.geofences[], core.journey_points[], timestamptz)
to saferoute_tasks;
