create or replace function core.start_journey(
    p_user_id uuid,
    p_journey_id uuid,
    p_from_lon float8,
    p_from_lat float8,
    p_to_lon float8,
    p_to_lat float8,
    p_started_at timestamptz
) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_origin geometry := core.position(p_from_lon, p_from_lat);
    v_destination geometry;
    v_journey core.journeys;
begin
    if p_journey_id is null then
        perform core.fail('SR018', 'journey_id is null');
    end if;
    if not coalesce(p_started_at, now()) between now() - interval '29 days' and now() + interval '10 minutes' then
        perform core.fail('SR018', format('started_at %s is over 29 days ago or over 10 minutes ahead', p_started_at));
    end if;
    if p_to_lon is not null or p_to_lat is not null then
        v_destination := core.position(p_to_lon, p_to_lat);
    end if;

    insert into core.journeys (journey_id, user_id, cell, started_at, origin, destination)
    values (
        p_journey_id, p_user_id, st_geohash(v_origin, 5), coalesce(p_started_at, now()), v_origin, v_destination
    )
    on conflict do nothing;

    -- A row of another person does not exist here, so its id is refused in the same words.
    select j.* into v_journey
    from core.journeys as j
    where j.journey_id = p_journey_id
        and j.user_id = p_user_id
        and j.erasing_since is null
        and j.started_at = coalesce(p_started_at, j.started_at)
        and st_orderingequals(j.origin, v_origin)
        and (j.destination is null) = (v_destination is null)
        and coalesce(st_orderingequals(j.destination, v_destination), true);
    if not found then
        perform core.fail('SR003', format('journey %s', p_journey_id));
    end if;
    return core.journey_summary(v_journey);
end
$$;

comment on function core.start_journey(uuid, uuid, float8, float8, float8, float8, timestamptz) is
'Begin a journey, now where p_started_at is null. The same call again returns the first result; SR003 where the id is taken by another journey or another person.';
revoke all on function core.start_journey(uuid, uuid, float8, float8, float8, float8, timestamptz) from public;
grant execute on function core.start_journey(uuid, uuid, float8, float8, float8, float8, timestamptz) to saferoute_api;
