create or replace function api.report_content(report_id uuid) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.report_content(core.require_user(), report_id)
$$;

comment on function api.report_content(uuid) is
'A report that is ready, in base64, with its `media_type` and `file_name`. GET /reports/<report_id> answers with the file itself.';
alter function api.report_content(uuid) owner to saferoute_api;
revoke all on function api.report_content(uuid) from public;
grant execute on function api.report_content(uuid) to authenticated;
