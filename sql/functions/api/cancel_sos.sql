create or replace function api.cancel_sos(alert_id uuid, code text default null) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.end_alert(core.require_user(), alert_id, code, 'cancelled')
$$;

comment on function api.cancel_sos(uuid, text) is
'Cancel a call for help of the caller''s: nothing was wrong. During the countdown nobody hears of it; afterwards those who were told are told so. code where the caller has set one. Cancelled again it stays as it is.';
alter function api.cancel_sos(uuid, text) owner to saferoute_api;
revoke all on function api.cancel_sos(uuid, text) from public;
grant execute on function api.cancel_sos(uuid, text) to authenticated;
