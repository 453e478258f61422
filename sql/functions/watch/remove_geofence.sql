create or replace function core.remove_geofence(p_user_id uuid, p_journey_id uuid, p_geofence_id uuid) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_watch core.watches := core.own_watch(p_user_id, p_journey_id);
begin
    delete from core.geofences as g
    where g.journey_id = p_journey_id and g.user_id = p_user_id and g.geofence_id = p_geofence_id;
    update core.watches as w set crossed_at = (
        select min(g.crossed_at) from core.geofences as g where g.journey_id = p_journey_id
    )
    where w.journey_id = p_journey_id
    returning w.* into v_watch;
    return core.geofences_of(core.settle_watch(v_watch, 'settings', clock_timestamp()));
end
$$;

comment on function core.remove_geofence(uuid, uuid, uuid) is
'Take an area off a watched walk; those that are left. One that is not there is no error.';
revoke all on function core.remove_geofence(uuid, uuid, uuid) from public;
grant execute on function core.remove_geofence(uuid, uuid, uuid) to saferoute_api;
