create or replace function core.watch_journey(
    p_user_id uuid,
    p_journey_id uuid,
    p_starts_at timestamptz,
    p_expected_at timestamptz,
    p_check_in_every interval,
    p_silence_after interval,
    p_grace interval,
    p_battery_floor real,
    p_route text,
    p_deviation_m real,
    p_now timestamptz
) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_journey core.journeys := core.hold_journey(p_user_id, p_journey_id);
    v_old core.watches;
    v_new core.watches;
begin
    -- Locked: it does not end while it comes to be watched.
    select j.* into v_journey from core.journeys as j where j.journey_id = p_journey_id for share;
    if v_journey.ended_at is not null then
        perform core.fail('SR095', format('journey %s', p_journey_id));
    end if;
    -- Of two first calls at once the second waits here, and finds a watch to change.
    insert into core.watches (journey_id, user_id, state, state_since, starts_at, grace, next_look_at)
    values (p_journey_id, p_user_id, 'planned', p_now, coalesce(p_starts_at, p_now), '5 minutes', p_now)
    on conflict (journey_id) do nothing;
    v_old := core.own_watch(p_user_id, p_journey_id);

    v_new := v_old;
    if v_old.state = 'planned' then
        v_new.starts_at := coalesce(p_starts_at, v_old.starts_at);
    end if;
    v_new.expected_at := p_expected_at;
    v_new.check_in_every := p_check_in_every;
    v_new.silence_after := p_silence_after;
    v_new.grace := p_grace;
    v_new.battery_floor := p_battery_floor;
    v_new := core.with_route(v_new, v_journey, p_route, p_deviation_m);
    if v_new is not distinct from v_old and v_old.last_seq > 0 then
        return core.watch_summary(v_old);
    end if;
    perform core.check_watch_settings(v_old, v_new, p_now);

    update core.watches as w set
        starts_at = v_new.starts_at,
        expected_at = v_new.expected_at,
        check_in_every = v_new.check_in_every,
        silence_after = v_new.silence_after,
        grace = v_new.grace,
        battery_floor = v_new.battery_floor,
        deviation_m = v_new.deviation_m,
        route = v_new.route,
        route_m = v_new.route_m,
        destination_m = v_new.destination_m,
        off_route_since = v_new.off_route_since,
        off_route_points = v_new.off_route_points,
        strayed_at = v_new.strayed_at,
        is_straying_known = v_new.is_straying_known
    where w.journey_id = p_journey_id
    returning w.* into v_new;
    if v_old.last_seq > 0 then
        v_new := core.note_journey_event(
            v_new, case when v_new.expected_at is distinct from v_old.expected_at then 'eta' else 'settings' end,
            null, 'settings', null, p_now
        );
    else
        v_new := core.note_journey_event(v_new, 'state', null, 'watched', null, p_now);
        if v_new.starts_at <= p_now then
            v_new := core.move_watch(v_new, 'active', 'started', p_now);
        end if;
    end if;
    return core.watch_summary(core.settle_watch(v_new, 'settings', p_now));
end
$$;

comment on function core.watch_journey(
    uuid, uuid, timestamptz, timestamptz, interval, interval, interval, real, text, real, timestamptz
) is
'Have a walk watched, or change what it is watched for; the same again changes nothing. SR095 where it has ended.';
revoke all on function core.watch_journey(
    uuid, uuid, timestamptz, timestamptz, interval, interval, interval, real, text, real, timestamptz
) from public;
grant execute on function core.watch_journey(
    uuid, uuid, timestamptz, timestamptz, interval, interval, interval, real, text, real, timestamptz
) to saferoute_api;
