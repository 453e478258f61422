create or replace function core.periods(p_parent regclass)
returns table (period regclass, lower_bound timestamptz, upper_bound timestamptz)
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
as $$
select c.oid::regclass, bounds[1]::timestamptz, bounds[2]::timestamptz
from pg_catalog.pg_inherits as i
inner join pg_catalog.pg_class as c on c.oid = i.inhrelid
cross join lateral regexp_match(
    pg_catalog.pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([^'']+)''\) TO \(''([^'']+)''\)'
) as bounds
where i.inhparent = p_parent and not i.inhdetachpending and bounds is not null
order by 2
$$;

comment on function core.periods(regclass) is
'The attached periods of a partition set with their bounds (UTC, upper exclusive), read from the catalogue and never from names.';
revoke all on function core.periods(regclass) from public;
grant execute on function core.periods(regclass) to saferoute_api, saferoute_ingest;
