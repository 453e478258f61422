create or replace function core.leaves(p_period regclass)
returns table (leaf regclass, lower_cell text, upper_cell text)
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select c.oid::regclass, bounds[1], bounds[2]
from pg_catalog.pg_inherits as i
inner join pg_catalog.pg_class as c on c.oid = i.inhrelid
left join lateral regexp_match(
    pg_catalog.pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([^'']+)''\) TO \(''([^'']+)''\)'
) as bounds on true
where i.inhparent = p_period and not i.inhdetachpending
order by 2 nulls last
$$;

comment on function core.leaves(regclass) is
'The geohash leaves of a period: cells in [lower_cell, upper_cell), both null for the default leaf, which comes last.';
revoke all on function core.leaves(regclass) from public;
grant execute on function core.leaves(regclass) to operator;
