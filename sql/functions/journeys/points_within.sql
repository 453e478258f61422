create or replace function core.points_within(p_points json, p_times tstzmultirange) returns json
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select json_agg(case when p_times @> p.recorded_at then e.point else '{}' end order by p.nth)
from core.read_points(p_points) as p
inner join json_array_elements(p_points) with ordinality as e (point, nth) on e.nth = p.nth
$$;

comment on function core.points_within(json, tstzmultirange) is
'The array with every point outside p_times replaced by an empty object, so that the others keep their numbers.';
revoke all on function core.points_within(json, tstzmultirange) from public;
grant execute on function core.points_within(json, tstzmultirange) to saferoute_api;
