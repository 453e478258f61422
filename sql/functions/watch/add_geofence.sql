create or replace function core.add_geofence(
    p_user_id uuid,
    p_journey_id uuid,
    p_geofence_id uuid,
    p_kind text,
    p_name text,
    p_area text,
    p_lon float8,
    p_lat float8,
    p_radius_m float8,
    p_min_risk real
) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_watch core.watches := core.own_watch(p_user_id, p_journey_id);
    v_area geometry;
    v_problem text;
begin
    v_problem := case
        when p_geofence_id is null then 'geofence_id is null'
        when not coalesce(p_kind in ('arrive', 'leave', 'enter', 'risk'), false) then 'kind is arrive, leave, enter or risk'
        when length(p_name) not between 1 and 60 then 'name has 1 to 60 characters'
        when p_kind = 'risk' and not coalesce(p_min_risk > 0 and p_min_risk <= 1, false) then 'min_risk is over 0 and at most 1'
        when p_kind = 'risk' and num_nonnulls(p_area, p_lon, p_lat, p_radius_m) > 0 then 'risk has no area'
        when p_kind <> 'risk' and (p_area is null) = (p_radius_m is null) then 'there is either an area or a circle: lon, lat, radius_m'
        when not p_radius_m between 20 and 50000 then 'radius_m is 20 to 50,000'
    end;
    if v_problem is not null then
        perform core.fail('SR018', v_problem);
    end if;
    if p_kind <> 'risk' then
        v_area := coalesce(core.area_of(p_area), st_buffer(core.position(p_lon, p_lat)::geography, p_radius_m)::geometry);
        p_min_risk := null;
    end if;
    insert into core.geofences as g (journey_id, geofence_id, user_id, kind, name, area, min_risk)
    values (p_journey_id, p_geofence_id, p_user_id, p_kind, p_name, v_area, p_min_risk)
    on conflict (journey_id, geofence_id) do update set
        kind = excluded.kind,
        name = excluded.name,
        area = excluded.area,
        min_risk = excluded.min_risk,
        is_inside = null,
        crossed_at = null
    where (g.kind, g.name, g.area, g.min_risk) is distinct from (excluded.kind, excluded.name, excluded.area, excluded.min_risk);
    if (select count(*) from core.geofences as g where g.journey_id = p_journey_id) > 20 then
        perform core.fail('SR097', 'a walk has at most 20 areas');
    end if;
    return core.geofences_of(v_watch);
end
$$;

comment on function core.add_geofence(uuid, uuid, uuid, text, text, text, float8, float8, float8, real) is
'Add an area to a watched walk, or change the one with this id: a polygon, a circle, or streets of a risk. SR097 beyond 20.';
revoke all on function core.add_geofence(uuid, uuid, uuid, text, text, text, float8, float8, float8, real) from public;
grant execute on function core.add_geofence(uuid, uuid, uuid, text, text, text, float8, float8, float8, real) to saferoute_api;
