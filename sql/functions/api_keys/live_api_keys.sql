create or replace function core.live_api_keys()
returns table (api_key_id uuid, digest bytea, scopes text[], expires_at timestamptz)
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select k.api_key_id, k.digest, k.scopes, k.expires_at
from core.api_keys as k
where k.revoked_at is null and coalesce(k.expires_at > now(), true)
$$;

comment on function core.live_api_keys() is
'Every API key that may be used now. The API reads all of them: so it knows an unknown key without asking, however many are tried.';
revoke all on function core.live_api_keys() from public;
grant execute on function core.live_api_keys() to authenticator;
