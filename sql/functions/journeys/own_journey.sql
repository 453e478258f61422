create or replace function core.own_journey(p_user_id uuid, p_journey_id uuid) returns core.journeys
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_journey core.journeys;
begin
    select j.* into v_journey
    from core.journeys as j
    where j.journey_id = p_journey_id and j.user_id = p_user_id and j.erasing_since is null;
    if not found then
        perform core.fail('SR002', format('journey %s', coalesce(p_journey_id::text, 'null')));
    end if;
    return v_journey;
end
$$;

comment on function core.own_journey(uuid, uuid) is
'The journey with this id, if it is the person''s own; SR002 where it is not, whether or not it is somebody else''s.';
revoke all on function core.own_journey(uuid, uuid) from public;
grant execute on function core.own_journey(uuid, uuid) to saferoute_api, saferoute_tasks;
