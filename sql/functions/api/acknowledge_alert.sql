create or replace function api.acknowledge_alert(alert_id uuid) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.acknowledge_alert(core.require_user(), alert_id)
$$;

comment on function api.acknowledge_alert(uuid) is
'The caller, a contact who was told of this alert in the app, takes care of it: nobody further is called, the walker and the other contacts hear that somebody does.';
alter function api.acknowledge_alert(uuid) owner to saferoute_api;
revoke all on function api.acknowledge_alert(uuid) from public;
grant execute on function api.acknowledge_alert(uuid) to authenticated;
