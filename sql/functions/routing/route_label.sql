create or replace function core.route_label(p_route core.route) returns text
language sql immutable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select string_agg(n.label, ', ' order by n.rank)
from (
    select min(a.aversion) as rank, case
        when a.aversion = 0 then 'shortest'
        when a.aversion < 12 then 'balanced'
        -- Where most of the way nobody reports, nobody knows what is safest.
        when p_route.known_m < 0.8 * p_route.length_m then 'cautious'
        else 'safest' end as label
    from unnest(p_route.aversions) as a (aversion)
    group by label
) as n
$$;

comment on function core.route_label(core.route) is
'shortest (aversion 0), balanced (below 12), safest (12 and more), or cautious instead of safest where less than 80 % of the way is covered by a source; several where one walk is all of them.';
revoke all on function core.route_label(core.route) from public;
grant execute on function core.route_label(core.route) to saferoute_api;
