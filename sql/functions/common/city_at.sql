create or replace function core.city_at(p_position geometry) returns core.cities
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_city core.cities;
begin
    -- The smallest city wins where two overlap.
    select c.* into v_city
    from core.cities as c
    where c.walkable_bounds && p_position
    order by st_area(c.walkable_bounds), c.city_id
    limit 1;
    if not found then
        perform core.fail('SR014', st_astext(p_position));
    end if;
    return v_city;
end
$$;

comment on function core.city_at(geometry) is
'The imported city whose walkable bounds hold the point (EPSG:4326), the smallest where several do; SR014 where none does.';
revoke all on function core.city_at(geometry) from public;
grant execute on function core.city_at(geometry) to saferoute_api, saferoute_tasks;
