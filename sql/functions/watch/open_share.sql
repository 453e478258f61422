create or replace function core.open_share(p_token_digest bytea) returns json
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select json_build_object(
    'share_id', s.share_id,
    'journey_id', s.journey_id,
    'precision', s.precision,
    'since_seq', core.microseconds(s.created_at),
    'expires_at', c.closes_at
)
from core.journey_shares as s
cross join lateral (select core.share_closes_at(s) as closes_at) as c
where s.digest = p_token_digest and c.closes_at > now()
$$;

comment on function core.open_share(bytea) is
'What a link shows: which walk, how precisely, since when and until when; null where it shows nothing.';
revoke all on function core.open_share(bytea) from public;
grant execute on function core.open_share(bytea) to saferoute_live;
