create or replace function core.remove_report(p_user_id uuid, p_report_id uuid) returns void
language sql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
delete from core.reports as r where r.report_id = p_report_id and r.user_id = p_user_id
$$;

comment on function core.remove_report(uuid, uuid) is
'Remove a report of a person, made or not. One that is not there, or is somebody else''s, changes nothing: a retry is harmless.';
revoke all on function core.remove_report(uuid, uuid) from public;
grant execute on function core.remove_report(uuid, uuid) to saferoute_api;
