create or replace function core.record_points(p_user_id uuid, p_journey_id uuid, p_points json) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_journey core.journeys := core.hold_journey(p_user_id, p_journey_id);
    v_near box := core.journey_reach(v_journey);
    v_since timestamptz := now() - interval '29 days';
    v_until timestamptz := least(now() + interval '10 minutes', v_journey.ended_at + interval '1 microsecond');
    v_points integer;
    v_readable json := p_points;
    v_storable json := p_points;
    v_unreadable bigint [];
    v_times tstzmultirange;
    v_found_times tstzmultirange;
    v_accepted bigint;
    v_quarantined json := '[]';
begin
    -- Positions need not wait for a standby. Here and not in a SET clause, which ends before the commit.
    perform set_config('synchronous_commit', 'local', true);
    v_points := core.count_points(p_points);
    -- Nearly every batch goes in at once; another round leaves out what the last has stumbled over.
    loop
        begin
            v_accepted := core.ingest(p_user_id, p_journey_id, v_storable, v_since, v_until, v_near);
            exit;
        exception when data_exception or check_violation then
            -- A row that finds no period is a check violation. Any other fails the next round too, and is an error.
            v_found_times := core.period_times('core.journey_points');
            if v_times = v_found_times then
                raise;
            end if;
            v_times := v_found_times;
            begin
                v_storable := core.points_within(v_readable, v_times);
            exception when data_exception then
                select r.readable, r.unreadable into v_readable, v_unreadable from core.readable_points(p_points) as r;
                v_storable := core.points_within(v_readable, v_times);
            end;
        end;
    end loop;
    if v_accepted < v_points then
        v_quarantined := core.quarantine_points(
            p_user_id, v_journey, p_points, v_readable, v_unreadable, v_near, v_times
        );
    end if;
    return json_build_object(
        'accepted', v_accepted,
        'duplicates', v_points - v_accepted - json_array_length(v_quarantined),
        'quarantined', v_quarantined
    );
end
$$;

comment on function core.record_points(uuid, uuid, json) is
'Store a batch of positions of the person''s own journey. What cannot be stored is quarantined with a reason and the rest is kept; the same batch again counts duplicates. Points recorded before the journey''s end are welcome after it: phones upload late.';
revoke all on function core.record_points(uuid, uuid, json) from public;
grant execute on function core.record_points(uuid, uuid, json) to saferoute_api;
