create or replace function api.end_journey(journey_id uuid, ended_at timestamptz default null) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.end_journey(core.require_user(), journey_id, ended_at)
$$;

comment on function api.end_journey(uuid, timestamptz) is
'End a journey, now where ended_at is not given. A journey that has ended keeps its first end.';
alter function api.end_journey(uuid, timestamptz) owner to saferoute_api;
revoke all on function api.end_journey(uuid, timestamptz) from public;
grant execute on function api.end_journey(uuid, timestamptz) to authenticated;
