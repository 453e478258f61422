create or replace function core.state_message(p_event core.journey_events) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select json_build_object(
    'type', 'state',
    'topic', 'journey:' || p_event.journey_id,
    'seq', p_event.seq,
    'state', p_event.state,
    'reason', p_event.reason,
    'eta', p_event.eta,
    'at', p_event.at
)
$$;

comment on function core.state_message(core.journey_events) is
'What who watches a walk is told of an event that changed its state or its expected arrival.';
revoke all on function core.state_message(core.journey_events) from public;
grant execute on function core.state_message(core.journey_events) to saferoute_api, saferoute_tasks, saferoute_live;
