create or replace function core.journeys_since(p_journey_ids uuid[], p_seqs bigint[])
returns table (journey_id uuid, seq bigint, message json)
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select e.journey_id, e.seq, core.state_message(e)
from unnest(p_journey_ids, p_seqs) as u (journey_id, seq)
cross join lateral (
    select l.*
    from core.journey_events as l
    where l.journey_id = u.journey_id and l.seq > u.seq and l.event in ('state', 'eta')
    order by l.seq
    -- One look-up for each walk: a join would be planned as a hash of all events.
    offset 0
) as e
$$;

comment on function core.journeys_since(uuid[], bigint[]) is
'Of each walk, what has changed of its state and expected arrival after that seq, in order, as its watchers are told.';
revoke all on function core.journeys_since(uuid[], bigint[]) from public;
grant execute on function core.journeys_since(uuid[], bigint[]) to saferoute_live;
