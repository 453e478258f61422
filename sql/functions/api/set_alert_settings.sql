create or replace function api.set_alert_settings(
    countdown_s integer default null,
    cancel_code text default null,
    duress_code text default null,
    current_code text default null
) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.set_alert_settings(core.require_user(), countdown_s, cancel_code, duress_code, current_code)
$$;

comment on function api.set_alert_settings(integer, text, text, text) is
'Change how the caller''s calls for help are handled: countdown_s (0 to 60) in which one can be taken back before anybody is told; cancel_code (4 to 8 digits) that cancelling then asks for; duress_code, set together with it, that looks as if it cancelled and tells the contacts that it is in earnest. An empty cancel_code removes both. Where there is a code, current_code is needed.';
alter function api.set_alert_settings(integer, text, text, text) owner to saferoute_api;
revoke all on function api.set_alert_settings(integer, text, text, text) from public;
grant execute on function api.set_alert_settings(integer, text, text, text) to authenticated;
