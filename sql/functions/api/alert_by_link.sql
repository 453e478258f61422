create or replace function api.alert_by_link(token text) returns json
language sql stable parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.alert_by_link(token)
$$;

comment on function api.alert_by_link(text) is
'The alert that the link in a message opens: who calls for help, where, and whether somebody takes care. No account is needed.';
alter function api.alert_by_link(text) owner to saferoute_api;
revoke all on function api.alert_by_link(text) from public;
grant execute on function api.alert_by_link(text) to web_anon, authenticated;
