create or replace function api.resolve_alert(alert_id uuid, code text default null) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.resolve_alert(core.require_user(), alert_id, code)
$$;

comment on function api.resolve_alert(uuid, text) is
'The walker is safe: ends an alert of the caller''s, with code where they have set one, or one that the caller was told of as a contact. Whoever was told of it hears so.';
alter function api.resolve_alert(uuid, text) owner to saferoute_api;
revoke all on function api.resolve_alert(uuid, text) from public;
grant execute on function api.resolve_alert(uuid, text) to authenticated;
