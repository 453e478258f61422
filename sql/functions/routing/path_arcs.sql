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
    -- Subqueries, not literals: with 645 neighbourhoods the factors as text cost 10 ms to parse.
    v_cost constant text := case when p_aversion = 0 then 'l.length_m' else format(
        'l.length_m * (1 + %L::float8 * core.link_risk(l.all_density, l.street_density, l.neighbourhood, '
        '(select all_factors from terms), (select street_factors from terms), (select mean_risk from terms)))',
        p_aversion) end;
begin
    return format(
        $query$
        with terms as materialized (select * from core.risk_terms(%2$s, %9$L))
        select l.edge_id as arc, l.source, l.target, l.walkable_direction as direction, %1$s as cost,
            l.source_at, l.target_at
        from core.road_links as l
        where l.bounds && '$bounds'::box and l.city_id = %2$s
        union all
        select a.arc, a.source, a.target, 1, abs(a.to_fraction - a.from_fraction) * %1$s, a.source_at, a.target_at
        from core.end_arcs(%3$s, %4$L, %5$L, %6$s, %7$L, %8$L) as a
        inner join core.road_links as l on l.edge_id = a.edge_id
        $query$,
        v_cost, p_city_id, p_from_edge, p_from_fraction, p_from_at, p_to_edge, p_to_fraction, p_to_at, p_at);
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
