create or replace function api.my_shares(journey_id uuid) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.my_shares(core.require_user(), journey_id)
$$;

comment on function api.my_shares(uuid) is
'The links to a walk, newest first: how precise, until when, and whether each still shows anything.';
alter function api.my_shares(uuid) owner to saferoute_api;
revoke all on function api.my_shares(uuid) from public;
grant execute on function api.my_shares(uuid) to authenticated;
