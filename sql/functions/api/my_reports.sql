create or replace function api.my_reports() returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.my_reports(core.require_user())
$$;

comment on function api.my_reports() is
'The reports the caller has asked for in the last 7 days, newest first.';
alter function api.my_reports() owner to saferoute_api;
revoke all on function api.my_reports() from public;
grant execute on function api.my_reports() to authenticated;
