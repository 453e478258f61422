create or replace function core.city_data_period(p_city_id integer) returns tstzrange
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select range_merge(range_agg(c.covered_period))
from core.crime_coverage as c
where c.city_id = p_city_id and not isempty(c.covered_period)
$$;

comment on function core.city_data_period(integer) is
'From the first to the last moment that the crimes of a city report on; null where there are none.';
revoke all on function core.city_data_period(integer) from public;
grant execute on function core.city_data_period(integer) to saferoute_api, saferoute_tasks;
