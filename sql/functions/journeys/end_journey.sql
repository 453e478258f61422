create or replace function core.end_journey(p_user_id uuid, p_journey_id uuid, p_ended_at timestamptz) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_journey core.journeys := core.own_journey(p_user_id, p_journey_id);
    v_ended_at timestamptz := coalesce(p_ended_at, now());
begin
    if v_journey.ended_at is null then
        -- The clocks of client and server may differ by as much as a start may lie ahead.
        if not v_ended_at between v_journey.started_at - interval '10 minutes' and now() + interval '10 minutes' then
            perform core.fail('SR018', format('ended_at %s is before the start or over 10 minutes ahead', v_ended_at));
        end if;
        update core.journeys as j set ended_at = greatest(j.started_at, v_ended_at)
        where j.journey_id = p_journey_id and j.ended_at is null;
        if found then
            perform core.end_watch(v_journey, clock_timestamp());
        end if;
        v_journey := core.own_journey(p_user_id, p_journey_id);
    end if;
    return core.journey_summary(v_journey);
end
$$;

comment on function core.end_journey(uuid, uuid, timestamptz) is
'End a journey, now where p_ended_at is null, and its watch. A journey that has ended keeps its first end. Points recorded before the end may still arrive.';
revoke all on function core.end_journey(uuid, uuid, timestamptz) from public;
grant execute on function core.end_journey(uuid, uuid, timestamptz) to saferoute_api;
