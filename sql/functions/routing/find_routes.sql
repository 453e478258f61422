create or replace function core.find_routes(
    p_city_id integer,
    p_from_edge bigint,
    p_from_fraction float8,
    p_to_edge bigint,
    p_to_fraction float8,
    p_at timestamptz,
    p_aversions float8[]
) returns setof core.route
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    return query
    select r.aversions, r.proven_optimal, r.legs, s.length_m, s.known_m, s.exposure_m
    from (
        select array_agg(a.aversion order by a.aversion) as aversions, bool_and(p.proven_optimal) as proven_optimal,
            core.path_legs(p_city_id, p.edge_ids, p.from_fractions, p.to_fractions, p_at) as legs
        from (select distinct u.aversion from unnest(p_aversions) as u (aversion)) as a
        cross join lateral core.find_path(
            p_city_id, p_from_edge, p_from_fraction, p_to_edge, p_to_fraction, p_at, a.aversion) as p
        where p.edge_ids is not null
        group by p.edge_ids, p.from_fractions, p.to_fractions
    ) as r
    cross join lateral (
        select sum(l.length_m), coalesce(sum(l.length_m) filter (where l.is_known), 0), sum(l.length_m * l.risk)
        from unnest(r.legs) as l
    ) as s (length_m, known_m, exposure_m)
    order by r.aversions[1];
end
$$;

comment on function core.find_routes(integer, bigint, float8, bigint, float8, timestamptz, float8[]) is
'The best walk for each aversion, the same walk only once; no rows where no walk leads there.';
revoke all on function core.find_routes(integer, bigint, float8, bigint, float8, timestamptz, float8[]) from public;
grant execute on function core.find_routes(integer, bigint, float8, bigint, float8, timestamptz, float8[])
to saferoute_api;
