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
        -- Each subtraction may leave 10^-16 of what it subtracts, of its square in the squares: of 10^-4 that
        -- remain, 10^-8 is wrong.
        and (select coalesce(sum(h.weight), 0) from core.hour_weights as h where h.city_id = p_city_id)
        >= 1e-4 * r.added_weight
        and not exists (
            select from core.part_weights as p where p.city_id = p_city_id and p.weight < 1e-4 * p.added_weight
        )
)
$$;

comment on function core.is_city_risk_current(integer) is
'Whether the sums of a city can be kept: same map, same weights of categories, no month dropped, and enough left after subtractions to be exact. Where not, core.rebuild_city_risk makes them anew.';
revoke all on function core.is_city_risk_current(integer) from public;
