create or replace function api.alert_status(alert_id uuid) returns json
language sql stable parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.alert_status(core.require_user(), alert_id)
$$;

comment on function api.alert_status(uuid) is
'What has become of an alert. To the walker: every contact with the state of each message: queued, sent, delivered, read, acknowledged, failed or cancelled. To a contact who was told of it in the app: what they were told, and whether somebody takes care.';
alter function api.alert_status(uuid) owner to saferoute_api;
revoke all on function api.alert_status(uuid) from public;
grant execute on function api.alert_status(uuid) to authenticated;
