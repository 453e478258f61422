create or replace function api.revoke_share(share_id uuid) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.revoke_share(core.require_user(), share_id)
$$;

comment on function api.revoke_share(uuid) is
'Take a link to a walk back: it shows nothing from then on.';
alter function api.revoke_share(uuid) owner to saferoute_api;
revoke all on function api.revoke_share(uuid) from public;
grant execute on function api.revoke_share(uuid) to authenticated;
