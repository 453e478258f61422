create or replace function core.see_points(
    p_watch core.watches, p_geofences core.geofences[], p_points core.journey_points[], p_now timestamptz
) returns core.watches
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_followed record := core.follow_points(p_watch, p_points);
    v_watch core.watches := v_followed.watch;
begin
    if p_geofences is not null then
        v_watch := core.cross_geofences(v_watch, p_geofences, p_points, p_now);
    end if;
    if not v_watch.is_battery_low and v_watch.battery_pct < v_watch.battery_floor then
        v_watch.is_battery_low := true;
        v_watch := core.note_journey_event(
            v_watch, 'battery_low', null, null, jsonb_build_object('battery_pct', v_watch.battery_pct), p_now
        );
    elsif v_watch.is_battery_low and coalesce(v_watch.battery_pct >= v_watch.battery_floor + 5, true) then
        v_watch.is_battery_low := false;
        v_watch := core.note_journey_event(
            v_watch, 'battery_ok', null, null, jsonb_build_object('battery_pct', v_watch.battery_pct), p_now
        );
    end if;
    update core.watches as w set
        heard_at = v_watch.heard_at,
        last_position = v_watch.last_position,
        pace_mps = v_watch.pace_mps,
        eta = v_watch.eta,
        arriving_since = v_watch.arriving_since,
        off_route_since = v_watch.off_route_since,
        off_route_points = v_watch.off_route_points,
        strayed_at = v_watch.strayed_at,
        is_straying_known = v_watch.is_straying_known,
        crossed_at = v_watch.crossed_at,
        battery_pct = v_watch.battery_pct,
        is_battery_low = v_watch.is_battery_low,
        next_look_at = core.next_look(v_watch, p_now)
    where w.journey_id = v_watch.journey_id
    returning w.* into v_watch;

    if v_followed.has_arrived and v_watch.state <> 'alarm' then
        return core.move_watch(v_watch, 'ended', 'arrived', p_now);
    end if;
    if coalesce(abs(extract(epoch from v_watch.eta - v_watch.told_eta)) > 120, v_watch.told_eta is null and v_watch.eta is not null)
    then
        v_watch := core.note_journey_event(v_watch, 'eta', null, 'estimate', null, p_now);
    end if;
    return v_watch;
end
$$;

comment on function core.see_points(core.watches, core.geofences[], core.journey_points[], timestamptz) is
'Keep what new positions, in order, tell of a watched walk, which the caller has locked; it ends where the walker has arrived. Watchers are told where the estimated arrival is more than two minutes from what they know; the watch as it then is.';
revoke all on function core.see_points(core.watches, core.geofences[], core.journey_points[], timestamptz) from public;
grant execute on function core.see_points(core.watches, core.geofences[], core.journey_points[], timestamptz)
to saferoute_tasks;
