create or replace function core.end_watch(p_journey core.journeys, p_now timestamptz) returns void
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_watch core.watches;
begin
    select w.* into v_watch from core.watches as w where w.journey_id = p_journey.journey_id for update;
    if v_watch.state <> 'ended' then
        perform core.move_watch(v_watch, 'ended', 'journey_ended', p_now);
    elsif not found then
        -- Nobody watched it; who looks by a link is told all the same.
        v_watch.journey_id := p_journey.journey_id;
        v_watch.user_id := p_journey.user_id;
        v_watch.state := 'ended';
        v_watch.last_seq := 0;
        perform core.note_journey_event(v_watch, 'state', null, 'journey_ended', null, p_now);
    end if;
end
$$;

comment on function core.end_watch(core.journeys, timestamptz) is
'End the watch of a walk that its walker has ended, and have who looks at it told. An alert goes on.';
revoke all on function core.end_watch(core.journeys, timestamptz) from public;
grant execute on function core.end_watch(core.journeys, timestamptz) to saferoute_api;
