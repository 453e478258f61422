create or replace function core.share_closes_at(p_share core.journey_shares) returns timestamptz
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
-- Who watches still sees that the walker has arrived; not where they go afterwards.
select least(p_share.expires_at, p_share.revoked_at, core.walk_ended_at(j) + interval '10 minutes')
from core.journeys as j
where j.journey_id = p_share.journey_id and j.erasing_since is null
$$;

comment on function core.share_closes_at(core.journey_shares) is
'From when on a link shows nothing: it expires, is revoked, or the walk has been over for ten minutes; null where the walk is no more.';
revoke all on function core.share_closes_at(core.journey_shares) from public;
grant execute on function core.share_closes_at(core.journey_shares) to saferoute_api, saferoute_live;
