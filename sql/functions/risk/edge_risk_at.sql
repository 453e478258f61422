create or replace function core.edge_risk_at(
    p_edge_id bigint, p_at timestamptz, out risk float8, out is_covered boolean
)
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    select
        case when e.is_covered then coalesce(least(1, greatest(0,
            e.all_density * t.all_factors[e.neighbourhood] + e.street_density * t.street_factors[e.neighbourhood]
        )), t.mean_risk) else t.mean_risk end,
        e.is_covered
    into risk, is_covered
    from core.edge_risk as e
    cross join lateral core.risk_terms(e.city_id, p_at) as t
    where e.edge_id = p_edge_id;
end
$$;

comment on function core.edge_risk_at(bigint, timestamptz) is
'Risk of one edge at a time, 0 to 1: the city''s mean where no source reports. Nulls for an edge that does not exist.';
revoke all on function core.edge_risk_at(bigint, timestamptz) from public;
grant execute on function core.edge_risk_at(bigint, timestamptz) to saferoute_api;
