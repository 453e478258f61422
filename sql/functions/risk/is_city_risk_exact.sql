create or replace function core.is_city_risk_exact(p_city_id integer) returns boolean
language sql stable security invoker
set search_path = core, public, pg_temp
as $$
select
    (select coalesce(sum(h.weight), 0) from core.hour_weights as h where h.city_id = p_city_id)
    >= 1e-4 * (select r.added_weight from core.city_risk as r where r.city_id = p_city_id)
    and not exists (
        select from core.part_weights as p where p.city_id = p_city_id and p.weight < 1e-4 * p.added_weight
    )
$$;

comment on function core.is_city_risk_exact(integer) is
'Whether enough is left of the sums of a city after subtractions: each may leave 10^-16 of what it subtracts, of its square in the sums of squares, so that 10^-8 is wrong where 10^-4 remains.';
revoke all on function core.is_city_risk_exact(integer) from public;
