create or replace function live.open_share(p_token_digest bytea) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.open_share(p_token_digest)
$$;

comment on function live.open_share(bytea) is
'What a link to a walk shows, by the SHA-256 of its token: {share_id, journey_id, precision, since_seq, expires_at}; null where it shows nothing. Its path begins after since_seq.';
alter function live.open_share(bytea) owner to saferoute_live;
revoke all on function live.open_share(bytea) from public;
grant execute on function live.open_share(bytea) to authenticator;
