create or replace function core.may_watch(p_user_id uuid, p_journey_id uuid) returns boolean
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select exists (
    select from core.journeys as j
    where j.journey_id = p_journey_id and j.user_id = p_user_id and j.erasing_since is null
)
$$;

comment on function core.may_watch(uuid, uuid) is
'Whether a person may watch a walk: their own.';
revoke all on function core.may_watch(uuid, uuid) from public;
grant execute on function core.may_watch(uuid, uuid) to saferoute_live;
