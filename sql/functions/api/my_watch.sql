create or replace function api.my_watch(journey_id uuid) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.my_watch(core.require_user(), journey_id)
$$;

comment on function api.my_watch(uuid) is
'How the watch of a walk stands: state and reason, when the next check-in is due, areas, and what has happened.';
alter function api.my_watch(uuid) owner to saferoute_api;
revoke all on function api.my_watch(uuid) from public;
grant execute on function api.my_watch(uuid) to authenticated;
