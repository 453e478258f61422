create or replace function api.start_journey(
    journey_id uuid,
    from_lon float8,
    from_lat float8,
    to_lon float8 default null,
    to_lat float8 default null,
    started_at timestamptz default null
) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.start_journey(core.require_user(), journey_id, from_lon, from_lat, to_lon, to_lat, started_at)
$$;

comment on function api.start_journey(uuid, float8, float8, float8, float8, timestamptz) is
'Begin a journey under an id the client makes (UUIDv7). started_at is now where it is not given. The same call again returns the first result.';
alter function api.start_journey(uuid, float8, float8, float8, float8, timestamptz) owner to saferoute_api;
revoke all on function api.start_journey(uuid, float8, float8, float8, float8, timestamptz) from public;
grant execute on function api.start_journey(uuid, float8, float8, float8, float8, timestamptz) to authenticated;
