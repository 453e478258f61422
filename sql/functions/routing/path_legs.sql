create or replace function core.path_legs(
    p_city_id integer, p_edge_ids bigint[], p_from_fractions float8[], p_to_fractions float8[], p_at timestamptz
) returns core.leg[]
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
set jit = 'off'
as $$
begin
    return (
        select array_agg((q.leg, q.street, q.length_m, q.ends_m - q.length_m, q.risk, q.is_known, q.geom)::core.leg order by q.leg)
        from (
            select
                u.leg,
                core.street_name(e.name, e.highway) as street,
                abs(u.to_fraction - u.from_fraction) * e.length_m as length_m,
                sum(abs(u.to_fraction - u.from_fraction) * e.length_m) over (order by u.leg) as ends_m,
                core.link_risk(
                    l.all_density, l.street_density, l.neighbourhood, t.all_factors, t.street_factors, t.mean_risk) as risk,
                l.all_density is not null as is_known,
                case
                    when u.from_fraction = u.to_fraction
                        then st_makeline(array_fill(st_lineinterpolatepoint(e.geom, u.from_fraction), array[2]))
                    when u.from_fraction = 0 and u.to_fraction = 1 then e.geom
                    when u.from_fraction = 1 and u.to_fraction = 0 then st_reverse(e.geom)
                    when u.from_fraction < u.to_fraction then st_linesubstring(e.geom, u.from_fraction, u.to_fraction)
                    else st_reverse(st_linesubstring(e.geom, u.to_fraction, u.from_fraction))
                end as geom
            from unnest(p_edge_ids, p_from_fractions, p_to_fractions)
                with ordinality as u (edge_id, from_fraction, to_fraction, leg)
            inner join core.road_edges as e on e.edge_id = u.edge_id
            inner join core.road_links as l on l.edge_id = u.edge_id
            cross join core.risk_terms(p_city_id, p_at) as t
        ) as q
    );
end
$$;

comment on function core.path_legs(integer, bigint[], float8[], float8[], timestamptz) is
'The legs of a path of core.find_path, in walking order, with street, length, risk at p_at and line.';
revoke all on function core.path_legs(integer, bigint[], float8[], float8[], timestamptz) from public;
grant execute on function core.path_legs(integer, bigint[], float8[], float8[], timestamptz) to saferoute_api;
