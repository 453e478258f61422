create or replace function core.walk_ended_at(p_journey core.journeys) returns timestamptz
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select least(
    p_journey.ended_at,
    (select w.ended_at from core.watches as w where w.journey_id = p_journey.journey_id)
)
$$;

comment on function core.walk_ended_at(core.journeys) is
'When the walk was over: the walker ended the journey, or its watch saw them arrive; null while it goes on.';
revoke all on function core.walk_ended_at(core.journeys) from public;
grant execute on function core.walk_ended_at(core.journeys) to saferoute_api, saferoute_live;
