create or replace function api.my_alert_settings() returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.my_alert_settings(core.require_user())
$$;

comment on function api.my_alert_settings() is
'The caller''s settings for calls for help: countdown_s, the seconds in which one can be taken back before anybody is told, and has_code, whether a code is needed to cancel.';
alter function api.my_alert_settings() owner to saferoute_api;
revoke all on function api.my_alert_settings() from public;
grant execute on function api.my_alert_settings() to authenticated;
