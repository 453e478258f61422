create or replace function core.raise_alert(
    p_alert_id uuid,
    p_user_id uuid,
    p_journey_id uuid,
    p_cause text,
    p_lon float8,
    p_lat float8,
    p_message text,
    p_is_silent boolean,
    p_is_drill boolean
) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_alert core.alerts;
    v_journey_id uuid;
    v_position_from text := 'app';
    v_left_out text [] := '{}';
    v_contacts bigint;
    v_entries core.inbox_entries [];
begin
    -- An alert that was answered is on a standby too. Here and not in a SET clause, which ends before the commit.
    perform set_config('synchronous_commit', 'on', true);
    -- Whatever else is wrong with a call for help, it is one: it is raised without what cannot be used.
    select j.journey_id into v_journey_id
    from core.journeys as j
    where j.journey_id = p_journey_id and j.user_id = p_user_id and j.erasing_since is null;
    if p_journey_id is not null and v_journey_id is null then
        v_left_out := array_append(v_left_out, 'journey_id');
    end if;
    v_alert.alert_id := coalesce(p_alert_id, core.uuid_v7());
    -- NaN sorts above every number, so the range test leaves it out too.
    if p_lon between -180 and 180 and p_lat between -90 and 90 then
        v_alert.geom := st_setsrid(st_makepoint(p_lon, p_lat), 4326);
    else
        if p_lon is not null or p_lat is not null then
            v_left_out := array_append(v_left_out, 'position');
        end if;
        v_alert.geom := core.last_position(p_user_id, v_journey_id);
        v_position_from := case when v_alert.geom is not null then 'journey' end;
    end if;
    if length(p_message) > 1000 then
        v_left_out := array_append(v_left_out, 'end of message');
    end if;
    v_alert.raised_at := clock_timestamp();
    v_alert.due_at := v_alert.raised_at;
    if p_cause = 'sos' then
        select v_alert.raised_at + make_interval(secs => s.countdown_s) into v_alert.due_at
        from core.alert_settings as s
        where s.user_id = p_user_id;
        v_alert.due_at := coalesce(v_alert.due_at, v_alert.raised_at);
    end if;

    insert into core.alerts as a (
        alert_id, user_id, journey_id, cause, state, is_silent, is_drill, geom, message, raised_at, due_at, next_tier_at
    ) values (
        v_alert.alert_id, p_user_id, v_journey_id, p_cause,
        case when v_alert.due_at > v_alert.raised_at then 'countdown' else 'active' end,
        coalesce(p_is_silent, false), coalesce(p_is_drill, false), v_alert.geom, nullif(btrim(left(p_message, 1000)), ''),
        v_alert.raised_at, v_alert.due_at, v_alert.due_at
    )
    on conflict do nothing
    returning a.* into v_alert;
    if not found then
        select a.* into v_alert from core.alerts as a where a.alert_id = p_alert_id and a.user_id = p_user_id;
        if not found then
            -- A row of another person does not exist here, so its id is refused in the same words.
            perform core.fail('SR091', format('alert %s', p_alert_id));
        end if;
        return core.alert_summary(v_alert);
    end if;

    perform core.add_deliveries(v_alert);
    select count(distinct d.contact_id) into v_contacts from core.alert_deliveries as d where d.alert_id = v_alert.alert_id;
    insert into core.alert_chains (alert_id, number, digest) values (v_alert.alert_id, 0, sha256(uuid_send(v_alert.alert_id)));
    perform core.append_alert_event(v_alert.alert_id, 'raised', null, jsonb_build_object(
        'cause', p_cause, 'journey_id', v_journey_id, 'lon', st_x(v_alert.geom), 'lat', st_y(v_alert.geom),
        'position_from', v_position_from, 'message', v_alert.message, 'silent', v_alert.is_silent,
        'drill', v_alert.is_drill, 'told_from', v_alert.due_at, 'contacts', v_contacts, 'left_out', v_left_out
    ));
    v_entries := array[core.inbox_entry(v_alert, p_user_id, 'raised', jsonb_build_object(
        'silent', v_alert.is_silent, 'told', v_contacts, 'told_from', v_alert.due_at
    ))];
    if v_alert.state = 'active' then
        v_entries := v_entries || core.tell_due_tiers(v_alert);
    else
        perform core.enqueue_task('alarm', 'escalate', '[]', v_alert.due_at - v_alert.raised_at);
    end if;
    perform core.add_inbox_entries(v_entries);
    return core.alert_summary(v_alert);
end
$$;

comment on function core.raise_alert(uuid, uuid, uuid, text, float8, float8, text, boolean, boolean) is
'Raise an alert for a person: the alert, a delivery per verified contact and channel, a queued task for each that is due, and what the inboxes of accounts are told, in one transaction that a standby has before it is answered. The same id again returns what it has become; SR091 where it is another persons. A journey that is not theirs, a position off the Earth and what is beyond 1,000 characters are left out and named in left_out; where the position is missing, it is the last one of the walk. Nothing limits it.';
revoke all on function core.raise_alert(uuid, uuid, uuid, text, float8, float8, text, boolean, boolean) from public;
grant execute on function core.raise_alert(uuid, uuid, uuid, text, float8, float8, text, boolean, boolean) to saferoute_api, saferoute_tasks;
