create or replace function core.is_city_risk_current(p_city_id integer) returns boolean
language sql stable security invoker
set search_path = core, public, pg_temp
as $$
select exists (
    select
    from core.city_risk as r, core.city_risk_inputs(p_city_id) as i
    where r.city_id = p_city_id
        and r.map_digest = i.map_digest
        -- A category that is new has no crimes in the sums yet.
        and i.categories @> r.categories
        and not coalesce(i.oldest_period > r.oldest_period, false)
        and r.absent_periods = core.absent_periods('core.crime_data')
)
$$;

comment on function core.is_city_risk_current(integer) is
'Whether the sums of a city can be kept: same map, same weights of categories, no month dropped, retired or restored. Where not, core.rebuild_city_risk makes them anew.';
revoke all on function core.is_city_risk_current(integer) from public;
