create or replace function core.neighbourhood_part_ratios(p_city_id integer)
returns table (neighbourhood smallint, week_part smallint, ratio float8)
language sql stable security invoker
set search_path = core, public, pg_temp
as $$
with parts as (
    select h.week_part, sum(h.share) as share from core.week_hours() as h group by 1
),
places as (
    select
        p.neighbourhood,
        sum(p.weight) as weight,
        coalesce(sum(p.weight) filter (where p.week_part = 0), 0) as spread_weight,
        sum(p.weight) ^ 2 / sum(p.squared_weight) as crimes
    from core.part_weights as p
    where p.city_id = p_city_id
    group by 1
),
weights as (
    select
        n.neighbourhood, n.weight as place_weight, n.crimes,
        a.week_part, a.share as time_share, coalesce(p.weight, 0) + n.spread_weight * a.share as weight
    from places as n
    cross join parts as a
    left join core.part_weights as p
        on p.city_id = p_city_id and p.neighbourhood = n.neighbourhood and p.week_part = a.week_part
),
city as (
    select w.week_part, (sum(w.weight) / t.weight * t.crimes + 6 * w.time_share) / (t.crimes + 6) as share
    from weights as w
    cross join (
        select sum(n.weight) as weight, sum(n.weight) ^ 2 / sum(n.weight ^ 2 / n.crimes) as crimes from places as n
    ) as t
    group by w.week_part, w.time_share, t.weight, t.crimes
),
-- Method of moments: shares of a Dirichlet-multinomial vary (1 + rho * (crimes - 1)) times as much as by chance.
spread as (
    select
        (sum(w.crimes * (w.weight / w.place_weight - c.share) ^ 2 / c.share) / 5 - count(*) / 6.0)
        / nullif(sum(greatest(0, w.crimes - 1)) / 6, 0) as rho
    from weights as w inner join city as c on c.week_part = w.week_part
),
prior as (
    select (1 - least(1, s.rho)) / s.rho as crimes from spread as s where s.rho > 1e-6
)
select
    w.neighbourhood, w.week_part,
    (w.crimes * w.weight / w.place_weight + p.crimes * c.share) / (w.crimes + p.crimes) / c.share
from weights as w
inner join city as c on c.week_part = w.week_part
cross join prior as p
where w.neighbourhood > 0
$$;

comment on function core.neighbourhood_part_ratios(integer) is
'How the share of street violence that falls into a part of the week differs between a neighbourhood and its city, shrunk towards 1 by empirical Bayes: the prior''s weight is estimated from how much the neighbourhoods of the city differ beyond chance. No rows where they do not.';
revoke all on function core.neighbourhood_part_ratios(integer) from public;
