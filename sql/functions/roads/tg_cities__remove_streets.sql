create or replace function core.tg_cities__remove_streets() returns trigger
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
as $$
begin
    delete from core.road_edges as e using removed as r where e.city_id = r.city_id;
    delete from core.road_vertices as v using removed as r where v.city_id = r.city_id;
    return null;
end
$$;

comment on function core.tg_cities__remove_streets() is
'Statement trigger on core.cities: the streets of a city go with it.';
revoke all on function core.tg_cities__remove_streets() from public;
