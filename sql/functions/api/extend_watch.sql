create or replace function api.extend_watch(journey_id uuid, expected_at timestamptz) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.extend_watch(core.require_user(), journey_id, expected_at, clock_timestamp())
$$;

comment on function api.extend_watch(uuid, timestamptz) is
'Change when you mean to have arrived; null: nobody waits for that.';
alter function api.extend_watch(uuid, timestamptz) owner to saferoute_api;
revoke all on function api.extend_watch(uuid, timestamptz) from public;
grant execute on function api.extend_watch(uuid, timestamptz) to authenticated;
