create or replace function core.may_watch(p_user_id uuid, p_journey_id uuid) returns boolean
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select exists (
    select from core.journeys as j
    where j.journey_id = p_journey_id
        and j.erasing_since is null
        and (
            j.user_id = p_user_id
            or exists (
                select from core.alerts as a
                inner join core.contacts as c on a.user_id = c.user_id
                where a.journey_id = j.journey_id
                    and a.user_id = j.user_id
                    -- In the countdown nobody is told, nor shown, anything.
                    and a.state in ('active', 'acknowledged')
                    and c.contact_user_id = p_user_id
                    and c.state = 'accepted'
            )
        )
)
$$;

comment on function core.may_watch(uuid, uuid) is
'Whether a person may watch a walk: their own, and that of somebody who has them as an emergency contact while an alert of it is open.';
revoke all on function core.may_watch(uuid, uuid) from public;
grant execute on function core.may_watch(uuid, uuid) to saferoute_live;
