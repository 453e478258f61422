create or replace function api.raise_drill(
    alert_id uuid,
    journey_id uuid default null,
    lon float8 default null,
    lat float8 default null,
    message text default null
) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.raise_drill(core.require_user(), alert_id, journey_id, lon, lat, message)
$$;

comment on function api.raise_drill(uuid, uuid, float8, float8, text) is
'Rehearse a call for help: as raise_sos, marked as a drill in every message and answer. Three in a day; SR046 beyond.';
alter function api.raise_drill(uuid, uuid, float8, float8, text) owner to saferoute_api;
revoke all on function api.raise_drill(uuid, uuid, float8, float8, text) from public;
grant execute on function api.raise_drill(uuid, uuid, float8, float8, text) to authenticated;
