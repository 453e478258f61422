create or replace function core.is_covered(p_city_id integer, p_position geometry) returns boolean
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select exists (
    select from core.crime_coverage as c
    where c.city_id = p_city_id and not isempty(c.covered_period) and st_intersects(c.area, p_position)
)
$$;

comment on function core.is_covered(integer, geometry) is
'Whether any source of the city''s crimes reports on the position (EPSG:4326). Where none does, no crime means nothing is known.';
revoke all on function core.is_covered(integer, geometry) from public;
grant execute on function core.is_covered(integer, geometry) to saferoute_api;
