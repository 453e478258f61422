create or replace function api.raise_sos(
    alert_id uuid,
    journey_id uuid default null,
    lon float8 default null,
    lat float8 default null,
    message text default null,
    silent boolean default false
) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.raise_alert(alert_id, core.require_user(), journey_id, 'sos', lon, lat, message, silent, false)
$$;

comment on function api.raise_sos(uuid, uuid, float8, float8, text, boolean) is
'Call for help under an id the client makes (UUIDv7): every emergency contact who has accepted is told by every channel they have, at once or after the countdown of set_alert_settings. Without lon and lat it is the last position of the walk. The same call again returns what has become of it. What cannot be used is named in left_out and never stops the call; told is how many contacts are told.';
alter function api.raise_sos(uuid, uuid, float8, float8, text, boolean) owner to saferoute_api;
revoke all on function api.raise_sos(uuid, uuid, float8, float8, text, boolean) from public;
grant execute on function api.raise_sos(uuid, uuid, float8, float8, text, boolean) to authenticated;
