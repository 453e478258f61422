create or replace function api.report_status(report_id uuid) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.report_summary(core.own_report(core.require_user(), report_id))
$$;

comment on function api.report_status(uuid) is
'How far a report is: `state` queued, running, ready or failed (with `error`), and how many of its parts are done.';
alter function api.report_status(uuid) owner to saferoute_api;
revoke all on function api.report_status(uuid) from public;
grant execute on function api.report_status(uuid) to authenticated;
