create or replace function api.alerts_since(seq bigint default 0) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.alerts_since(core.require_user(), seq)
$$;

comment on function api.alerts_since(bigint) is
'What the caller was told of alerts after seq, theirs and those of people whose contact they are: up to 500 messages in alerts, oldest first, each with its seq, and last_seq, the newest there is. Ask again with the last seq you got.';
alter function api.alerts_since(bigint) owner to saferoute_api;
revoke all on function api.alerts_since(bigint) from public;
grant execute on function api.alerts_since(bigint) to authenticated;
