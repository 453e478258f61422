create or replace function core.risk_terms(
    p_city_id integer, p_at timestamptz,
    out all_factors float8[], out street_factors float8[], out mean_risk float8
)
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    select f.all_factors, f.street_factors, f.mean_risk
    into all_factors, street_factors, mean_risk
    from core.cities as c
    inner join core.risk_factors as f on f.city_id = c.city_id and f.week_hour = core.week_hour(p_at, c.time_zone)
    where c.city_id = p_city_id;
    if not found then
        all_factors := '{}';
        street_factors := '{}';
        mean_risk := 0;
    end if;
end
$$;

comment on function core.risk_terms(integer, timestamptz) is
'What core.link_risk turns the densities of a city''s links into risk at a time with: factors by neighbourhood, and the mean risk where a density is unknown. Empty arrays and 0 where no crime is known.';
revoke all on function core.risk_terms(integer, timestamptz) from public;
grant execute on function core.risk_terms(integer, timestamptz) to saferoute_api, saferoute_tasks;
