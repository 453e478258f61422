create or replace function api.request_report(report_id uuid, kind text, parameters jsonb default '{}') returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.request_report(core.require_user(), report_id, kind, parameters)
$$;

comment on function api.request_report(uuid, text, jsonb) is
'Have a report made: `journey_report` (HTML with a map) or `gpx` of `parameters.journey_id`; `export`, a ZIP of everything that is kept of the caller; `route_safety` of up to 500 `parameters.routes`, each `{"route": ..., "at": ...}` as route_safety takes them. Answers as report_status does; GET /reports/<report_id> gives it once it is ready.';
alter function api.request_report(uuid, text, jsonb) owner to saferoute_api;
revoke all on function api.request_report(uuid, text, jsonb) from public;
grant execute on function api.request_report(uuid, text, jsonb) to authenticated;
