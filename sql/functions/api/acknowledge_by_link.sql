create or replace function api.acknowledge_by_link(token text) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.acknowledge_by_link(token)
$$;

comment on function api.acknowledge_by_link(text) is
'Take care of the alert that the link in a message opens, without an account: nobody further is called, the walker and the other contacts hear that somebody does.';
alter function api.acknowledge_by_link(text) owner to saferoute_api;
revoke all on function api.acknowledge_by_link(text) from public;
grant execute on function api.acknowledge_by_link(text) to web_anon, authenticated;
