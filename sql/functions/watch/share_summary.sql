create or replace function core.share_summary(p_share core.journey_shares) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select json_build_object(
    'share_id', p_share.share_id,
    'journey_id', p_share.journey_id,
    'precision', p_share.precision,
    'created_at', p_share.created_at,
    'expires_at', p_share.expires_at,
    'revoked_at', p_share.revoked_at,
    'is_open', coalesce(core.share_closes_at(p_share) > now(), false)
)
$$;

comment on function core.share_summary(core.journey_shares) is
'A link to a walk as its walker sees it, without the token, which is shown once; is_open says whether it shows anything.';
revoke all on function core.share_summary(core.journey_shares) from public;
grant execute on function core.share_summary(core.journey_shares) to saferoute_api;
