create or replace function core.city_hour_rates(p_city_id integer) returns table (week_hour smallint, rate float8)
language sql stable security invoker
set search_path = core, public, pg_temp
as $$
with weights as (
    -- all crime includes street violence
    select k.is_street, h.week_hour, sum(h.weight) as weight, sum(h.squared_weight) as squared_weight
    from core.hour_weights as h
    cross join (values (false), (true)) as k (is_street)
    where h.city_id = p_city_id and (h.is_street_violence or not k.is_street)
    group by 1, 2
),
totals as (
    select
        w.is_street,
        sum(w.weight) as weight,
        coalesce(sum(w.weight) filter (where w.week_hour = 0), 0) as spread_weight,
        sum(w.weight) ^ 2 / sum(w.squared_weight) as crimes
    from weights as w
    group by 1
),
shares as (
    select t.is_street, t.crimes, h.week_hour, (coalesce(w.weight, 0) + t.spread_weight * h.share) / t.weight as share
    from totals as t
    cross join core.week_hours() as h
    left join weights as w on w.is_street = t.is_street and w.week_hour = h.week_hour
),
-- Neighbouring hours lend each other weight: a normal kernel of 1.5 hours, round the clock.
smoothed as (
    select s.is_street, s.crimes, h.week_hour, sum(s.share * n.weight) / sum(n.weight) as share
    from core.week_hours() as h
    inner join shares as s on (s.week_hour > 24) = (h.week_hour > 24)
    cross join lateral (
        select exp(((abs(s.week_hour - h.week_hour) + 12) % 24 - 12) ^ 2 / -4.5::float8) as weight
    ) as n
    group by 1, 2, 3
),
all_crime as (
    select h.week_hour, (coalesce(s.share * s.crimes, 0) + 48 * h.share) / (coalesce(s.crimes, 0) + 48) as share
    from core.week_hours() as h
    left join smoothed as s on s.week_hour = h.week_hour and not s.is_street
)
select
    h.week_hour,
    (coalesce(s.share * s.crimes, 0) + 48 * a.share) / (coalesce(s.crimes, 0) + 48) / h.share
from core.week_hours() as h
inner join all_crime as a on a.week_hour = h.week_hour
left join smoothed as s on s.week_hour = h.week_hour and s.is_street
$$;

comment on function core.city_hour_rates(integer) is
'How much more street violence an hour of the week sees than the mean hour (1), in the city: smoothed over 1.5 hours, shrunk towards the rates of all crime, and those towards 1, by the weight of 48 crimes each.';
revoke all on function core.city_hour_rates(integer) from public;
