create or replace function core.record_points_together(p_user_ids uuid[], p_calls json) returns text[]
language plpgsql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
declare
    v_user_ids uuid [];
    v_calls json := p_calls;
    v_is_read boolean := false;
    v_times tstzmultirange;
    v_found_times tstzmultirange;
    v_answers text [];
    v_widened json;
begin
    if not has_function_privilege('authenticated', 'api.record_points(uuid, json)', 'execute') then
        return array_fill(null::text, array[cardinality(p_user_ids)]);
    end if;
    perform
        -- Positions need not wait for a standby. Here and not in a SET clause, which ends before the commit.
        set_config('synchronous_commit', 'local', true),
        -- Nobody's lock holds up the others: what cannot go on fails, and each call goes the ordinary way.
        set_config('lock_timeout', '500ms', true);
    -- As in core.hold_journey, before the journeys are read; but who is being erased has no call here.
    select array_agg(case when pg_try_advisory_xact_lock_shared(core.uploads_key(u.user_id)) then u.user_id end order by u.nth)
    into v_user_ids
    from unnest(p_user_ids) with ordinality as u (user_id, nth);
    -- Nearly always all goes in at once; another round leaves out what the last has stumbled over.
    loop
        begin
            select s.answers, s.widened into v_answers, v_widened
            from core.store_calls(v_user_ids, v_calls, v_times) as s;
            exit;
        exception
            when check_violation then -- a row finds no period
                v_found_times := core.period_times('core.journey_points');
                if v_times = v_found_times then
                    raise;
                end if;
                v_times := v_found_times;
            when data_exception then
                if v_is_read then
                    raise;
                end if;
                v_calls := core.readable_calls(p_calls);
                v_is_read := true;
        end;
    end loop;
    -- In the order of their ids, or two of these would wait for each other's journeys for ever.
    perform core.widen_journey(w.journey_id, w.since, w.until, w.cells)
    from json_to_recordset(v_widened) as w (journey_id uuid, since timestamptz, until timestamptz, cells text []);
    return v_answers;
end
$$;

comment on function core.record_points_together(uuid[], json) is
'Many small calls of api.record_points in one transaction: p_calls is an array of their JSON bodies, p_user_ids says who each is from. The answer of each as JSON text; null for a call with anything that is not plain (no journey of theirs, a point to quarantine, nothing readable), of which nothing is stored: it has to go the ordinary way. SECURITY DEFINER, since row security compares with one caller: its owner, saferoute_ingest, may add points and widen journeys and nothing else; only the API may call it, which can become any caller anyway; every call is joined with the journey of its own user.';
alter function core.record_points_together(uuid[], json) owner to saferoute_ingest;
revoke all on function core.record_points_together(uuid[], json) from public;
grant execute on function core.record_points_together(uuid[], json) to authenticator;
