create or replace function core.closed_shares(p_share_ids uuid[]) returns setof uuid
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select u.share_id
from unnest(p_share_ids) as u (share_id)
left join core.journey_shares as s on u.share_id = s.share_id
where not coalesce(core.share_closes_at(s) > now(), false)
$$;

comment on function core.closed_shares(uuid[]) is 'Those of the links that show nothing any more.';
revoke all on function core.closed_shares(uuid[]) from public;
grant execute on function core.closed_shares(uuid[]) to saferoute_live;
