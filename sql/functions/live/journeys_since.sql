create or replace function live.journeys_since(p_journey_ids uuid[], p_seqs bigint[]) returns table (journey_id uuid, seq bigint, message json)
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select s.journey_id, s.seq, s.message from core.journeys_since(p_journey_ids, p_seqs) as s
$$;

comment on function live.journeys_since(uuid[], bigint[]) is
'Of each walk, what has changed of its state after that seq, in order: messages for its watchers. seq is that of a state, never of a position: clocks of phones differ.';
alter function live.journeys_since(uuid[], bigint[]) owner to saferoute_live;
revoke all on function live.journeys_since(uuid[], bigint[]) from public;
grant execute on function live.journeys_since(uuid[], bigint[]) to authenticator;
