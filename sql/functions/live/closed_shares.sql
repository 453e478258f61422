create or replace function live.closed_shares(p_share_ids uuid[]) returns setof uuid
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.closed_shares(p_share_ids)
$$;

comment on function live.closed_shares(uuid[]) is
'Those of the links, by share_id, that show nothing any more: expired, revoked, or the walk is over.';
alter function live.closed_shares(uuid[]) owner to saferoute_live;
revoke all on function live.closed_shares(uuid[]) from public;
grant execute on function live.closed_shares(uuid[]) to authenticator;
