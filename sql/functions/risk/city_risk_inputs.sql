create or replace function core.city_risk_inputs(
    p_city_id integer, out map_digest text, out categories jsonb, out oldest_period timestamptz
)
language sql stable security invoker
set search_path = core, public, pg_temp
as $$
select
    (select concat(c.osm_digest, ' ', c.imported_at, ' ', c.utm_srid, ' ', c.time_zone) from core.cities as c where c.city_id = p_city_id),
    coalesce((
        select jsonb_object_agg(k.category, concat(k.severity, ' ', k.is_street_violence)) from core.crime_categories as k
    ), '{}'),
    (select min(p.lower_bound) from core.periods('core.crime_data') as p)
$$;

comment on function core.city_risk_inputs(integer) is
'What the sums of a city depend on besides its crimes: the map, the weights of the categories, and the oldest month that is kept.';
revoke all on function core.city_risk_inputs(integer) from public;
