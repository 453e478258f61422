create or replace function core.journey_snapshot(p_journey_id uuid, p_since_seq bigint, p_precision text) returns json
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_journey core.journeys;
    v_watch core.watches;
    v_point core.journey_points;
    v_state_seq bigint;
begin
    select j.* into v_journey from core.journeys as j where j.journey_id = p_journey_id and j.erasing_since is null;
    if not found then
        return null;
    end if;
    select w.* into v_watch from core.watches as w where w.journey_id = p_journey_id;
    select max(e.seq) into v_state_seq from core.journey_events as e where e.journey_id = p_journey_id;
    v_point := core.newest_point(v_journey);
    v_point.geom := core.coarse_position(v_point.geom, p_precision);
    return json_build_object(
        'type', 'snapshot',
        'topic', 'journey:' || p_journey_id,
        -- Not of the state, which is of another clock: the path is resumed after it.
        'seq', coalesce(core.microseconds(v_point.recorded_at), 0),
        'state_seq', coalesce(v_state_seq, 0),
        'state', case when v_journey.ended_at is not null then 'ended' else coalesce(v_watch.state, 'active') end,
        'reason', v_watch.reason,
        'expected_at', v_watch.expected_at,
        'eta', v_watch.eta,
        'ended_at', core.walk_ended_at(v_journey),
        'position', case
            when v_point.recorded_at is not null then json_build_object(
                'seq', core.microseconds(v_point.recorded_at),
                'lon', st_x(v_point.geom),
                'lat', st_y(v_point.geom),
                'recorded_at', v_point.recorded_at,
                'speed_mps', v_point.speed_mps
            )
        end,
        'path', coalesce(core.journey_path(v_journey, p_since_seq, p_precision), '[]')
    );
end
$$;

comment on function core.journey_snapshot(uuid, bigint, text) is
'A walk as somebody sees it who begins to watch: state, expected and estimated arrival, the newest position, and the path recorded after p_since_seq, with the precision of their link. Nothing says who walks, where the walk began or where it leads. null where there is no such walk.';
revoke all on function core.journey_snapshot(uuid, bigint, text) from public;
grant execute on function core.journey_snapshot(uuid, bigint, text) to saferoute_live;
