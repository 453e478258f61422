create or replace function core.risk_along(p_city core.cities, p_line geometry, p_at timestamptz)
returns table (segment integer, from_m float8, to_m float8, risk float8, known_share float8, geom geometry)
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = 'force_custom_plan'
set max_parallel_workers_per_gather = '0'
set jit = 'off'
as $$
declare
    v_samples constant integer := 4;
    v_reach_m constant float8 := 30;
    v_length_m constant float8 := st_length(p_line::geography);
    v_line constant geometry := st_transform(p_line, p_city.utm_srid);
begin
    return query
    with segments as (
        select s.segment, 100.0::float8 * s.segment as from_m, least(100.0::float8 * (s.segment + 1), v_length_m) as to_m
        from generate_series(0, ceil(v_length_m / 100)::integer - 1) as s (segment)
    ),

    samples as (
        select s.segment, st_lineinterpolatepoint(
            v_line, least(1, (s.from_m + (k.k + 0.5) / v_samples * (s.to_m - s.from_m)) / v_length_m)) as at
        from segments as s cross join generate_series(0, v_samples - 1) as k (k)
    ),

    risks as (
        select s.segment, avg(coalesce(n.risk, t.mean_risk)) as risk, avg(coalesce(n.is_known, 0)) as known_share
        from samples as s
        cross join core.risk_terms(p_city.city_id, p_at) as t
        left join lateral (
            select
                core.link_risk(
                    l.all_density, l.street_density, l.neighbourhood, t.all_factors, t.street_factors, t.mean_risk
                ) as risk,
                (l.all_density is not null)::integer as is_known
            from core.road_links as l inner join core.road_edges as e on e.edge_id = l.edge_id
            where l.city_id = p_city.city_id and l.bounds && box(st_expand(s.at, v_reach_m))
            order by st_distance(st_transform(e.geom, p_city.utm_srid), s.at)
            limit 1
        ) as n on true
        group by s.segment
    )

    select s.segment, s.from_m, s.to_m, r.risk, r.known_share::float8,
        st_linesubstring(p_line, s.from_m / v_length_m, least(1, s.to_m / v_length_m))
    from segments as s inner join risks as r on r.segment = s.segment
    order by s.segment;
end
$$;

comment on function core.risk_along(core.cities, geometry, timestamptz) is
'Risk at p_at along any line (EPSG:4326) in pieces of 100 m, the last one shorter: each is sampled four times, and a sample has the risk of the nearest road link within about 30 m, or the city''s mean where there is none or no source reports.';
revoke all on function core.risk_along(core.cities, geometry, timestamptz) from public;
grant execute on function core.risk_along(core.cities, geometry, timestamptz) to saferoute_api, saferoute_tasks;
