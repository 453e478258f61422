create or replace function core.path_arcs(
    p_city_id integer,
    p_from_edge bigint,
    p_from_fraction float8,
    p_from_at point,
    p_to_edge bigint,
    p_to_fraction float8,
    p_to_at point,
    p_at timestamptz,
    p_aversion float8
) returns text
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_terms record;
    v_cost text := 'l.length_m';
begin
    if p_aversion > 0 then
        select * into strict v_terms from core.risk_terms(p_city_id, p_at);
        v_cost := format(
            'l.length_m * (1 + %L::float8 * core.link_risk(l.all_density, l.street_density, l.neighbourhood, '
            '%L::float8[], %L::float8[], %L::float8))',
            p_aversion, v_terms.all_factors, v_terms.street_factors, v_terms.mean_risk);
    end if;
    return format(
        $query$
        select l.edge_id as arc, l.source, l.target, l.walkable_direction as direction, %1$s as cost,
            l.source_at, l.target_at
        from core.road_links as l
        where l.bounds && '$bounds'::box and l.city_id = %2$s
        union all
        select a.arc, a.source, a.target, 1, abs(a.to_fraction - a.from_fraction) * %1$s, a.source_at, a.target_at
        from core.end_arcs(%3$s, %4$L, %5$L, %6$s, %7$L, %8$L) as a
        inner join core.road_links as l on l.edge_id = a.edge_id
        $query$,
        v_cost, p_city_id, p_from_edge, p_from_fraction, p_from_at, p_to_edge, p_to_fraction, p_to_at);
end
$$;

comment on function core.path_arcs(
    integer, bigint, float8, point, bigint, float8, point, timestamptz, float8
) is
'The query text of all arcs of a city with their cost, length * (1 + aversion * risk), and the pieces at both ends; core.corridor_query puts its box in the place of $bounds.';
revoke all on function core.path_arcs(
    integer, bigint, float8, point, bigint, float8, point, timestamptz, float8
) from public;
grant execute on function core.path_arcs(
    integer, bigint, float8, point, bigint, float8, point, timestamptz, float8
) to saferoute_api;
