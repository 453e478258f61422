create or replace function live.journey_snapshot(p_journey_id uuid, p_since_seq bigint, p_precision text) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.journey_snapshot(p_journey_id, p_since_seq, p_precision)
$$;

comment on function live.journey_snapshot(uuid, bigint, text) is
'A walk for who begins to watch it or comes back: state, arrival, newest position, and the path recorded after p_since_seq (0: all of it); p_precision as the link says, exact for the walker and for contacts.';
alter function live.journey_snapshot(uuid, bigint, text) owner to saferoute_live;
revoke all on function live.journey_snapshot(uuid, bigint, text) from public;
grant execute on function live.journey_snapshot(uuid, bigint, text) to authenticator;
