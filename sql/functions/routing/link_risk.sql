create or replace function core.link_risk(
    p_all_density float8,
    p_street_density float8,
    p_neighbourhood smallint,
    p_all_factors float8[],
    p_street_factors float8[],
    p_mean_risk float8
) returns float8
language sql immutable parallel safe security invoker
as $$
-- coalesce comes first: least() passes over a null, and unknown would be the highest risk. Sums kept up by
-- differences may end a rounding error below 0.
select least(1, greatest(0, coalesce(
    p_all_density * p_all_factors[p_neighbourhood] + p_street_density * p_street_factors[p_neighbourhood],
    p_mean_risk)))
$$;

comment on function core.link_risk(float8, float8, smallint, float8[], float8[], float8) is
'Risk of a road link, 0 to 1 (the 95th percentile of its city): its densities times the factors of core.risk_terms; the mean risk where it is unknown. Inlined, so it has no search_path of its own.';
revoke all on function core.link_risk(float8, float8, smallint, float8[], float8[], float8) from public;
grant execute on function core.link_risk(float8, float8, smallint, float8[], float8[], float8) to saferoute_api, saferoute_tasks;
