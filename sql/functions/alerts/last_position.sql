create or replace function core.last_position(p_user_id uuid, p_journey_id uuid) returns geometry
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_journey core.journeys;
begin
    select j.* into v_journey
    from core.journeys as j
    where j.user_id = p_user_id and j.erasing_since is null
        and case
            when p_journey_id is null then j.ended_at is null and j.started_at > now() - interval '1 day'
            else j.journey_id = p_journey_id
        end
    order by j.started_at desc
    limit 1;
    return (core.newest_point(v_journey)).geom;
end
$$;

comment on function core.last_position(uuid, uuid) is
'Where a person was last on this walk, or, where p_journey_id is null, on the one they are on; null where nothing is known.';
revoke all on function core.last_position(uuid, uuid) from public;
grant execute on function core.last_position(uuid, uuid) to saferoute_api, saferoute_tasks;
