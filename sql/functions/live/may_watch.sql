create or replace function live.may_watch(p_user_id uuid, p_journey_id uuid) returns boolean
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.may_watch(p_user_id, p_journey_id)
$$;

comment on function live.may_watch(uuid, uuid) is
'Whether a person may watch a walk.';
alter function live.may_watch(uuid, uuid) owner to saferoute_live;
revoke all on function live.may_watch(uuid, uuid) from public;
grant execute on function live.may_watch(uuid, uuid) to authenticator;
