create or replace function api.remove_report(report_id uuid) returns void
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.remove_report(core.require_user(), report_id)
$$;

comment on function api.remove_report(uuid) is
'Remove a report, made or not.';
alter function api.remove_report(uuid) owner to saferoute_api;
revoke all on function api.remove_report(uuid) from public;
grant execute on function api.remove_report(uuid) to authenticated;
