create or replace function core.data_period(p_city_id integer) returns tstzrange
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select range_merge(range_agg(c.covered_period)) from core.crime_coverage as c where c.city_id = p_city_id
$$;

comment on function core.data_period(integer) is
'From when until when any source reports crimes of the city; null where none does.';
revoke all on function core.data_period(integer) from public;
grant execute on function core.data_period(integer) to saferoute_api;
