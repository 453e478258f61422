create or replace function core.end_alert(p_user_id uuid, p_alert_id uuid, p_code text, p_state text) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_alert core.alerts;
    v_settings core.alert_settings;
    v_digest bytea;
    v_is_right boolean;
    v_is_duress boolean;
begin
    perform set_config('synchronous_commit', 'on', true);
    select a.* into v_alert from core.alerts as a where a.alert_id = p_alert_id and a.user_id = p_user_id for update;
    if not found then
        perform core.fail('SR090', format('alert %s', coalesce(p_alert_id::text, 'null')));
    end if;
    if v_alert.shown_state <> p_state then
        perform core.fail('SR092');
    end if;
    select s.* into v_settings from core.alert_settings as s where s.user_id = p_user_id;
    -- Right or duress: whoever looks on must see no difference, neither in the answer nor in how long it takes. So both are
    -- compared, both write alike, and what the contacts are told is left to a worker.
    v_digest := case when v_settings.code_salt is not null then core.alert_code_digest(v_settings.code_salt, p_code) end;
    v_is_right := v_settings.cancel_code_digest is null or v_digest = v_settings.cancel_code_digest;
    v_is_duress := coalesce(v_digest = v_settings.duress_code_digest, false);
    if v_alert.wrong_codes >= 5 or not (v_is_right or v_is_duress) then
        update core.alerts as a set wrong_codes = least(a.wrong_codes + 1, 5) where a.alert_id = p_alert_id;
        return core.refuse('SR093');
    end if;
    if v_alert.shown_state is not null and (v_alert.ended_at is null) = v_is_duress then
        return core.alert_summary(v_alert);
    end if;

    update core.alert_deliveries as d set state = 'cancelled'
    where d.alert_id = p_alert_id and d.state = 'queued' and (d.claimed_until is null or d.claimed_until <= clock_timestamp());
    update core.alerts as a set
        state = case when v_is_duress then 'active' else p_state end,
        ended_at = case when not v_is_duress then clock_timestamp() end,
        is_duress = v_is_duress or a.is_duress,
        shown_state = p_state,
        shown_ended_at = coalesce(a.shown_ended_at, clock_timestamp()),
        due_at = case when v_is_duress then clock_timestamp() else a.due_at end,
        next_tier_at = case when v_is_duress then clock_timestamp() end,
        -- Told before the duress code made tier 0 of it, too.
        follow_up = case
            when not v_is_duress and (a.tier > 0 or exists (
                select from core.alert_deliveries as d where d.alert_id = p_alert_id and d.attempts > 0
            )) then p_state
        end,
        tier = case when v_is_duress then 0 else a.tier end
    where a.alert_id = p_alert_id
    returning a.* into v_alert;
    if not exists (
        select from core.inbox_entries as e
        where e.alert_id = p_alert_id and e.user_id = p_user_id and e.event = p_state
    ) then
        perform core.add_inbox_entries(array[core.inbox_entry(v_alert, p_user_id, p_state, '{}')]);
    end if;
    perform core.append_alert_event(
        p_alert_id, case when v_is_duress then 'duress' else p_state end, null, jsonb_build_object('by', 'walker')
    );
    perform core.enqueue_task('alarm', 'escalate', '[]');
    return core.alert_summary(v_alert);
end
$$;

comment on function core.end_alert(uuid, uuid, text, text) is
'The walker ends an alert of theirs: p_state cancelled (nothing was wrong) or resolved (they are safe), with their code where they have one. SR093 where that is wrong, and for all codes after five wrong ones, which count although refused; SR092 where it has ended otherwise. With the duress code the answer is the same, and the contacts are told anew, by every channel, that the walker was made to say so. The same again changes nothing; the right code after the duress code ends it.';
revoke all on function core.end_alert(uuid, uuid, text, text) from public;
grant execute on function core.end_alert(uuid, uuid, text, text) to saferoute_api;
