create or replace function core.risky_stretches(p_city core.cities, p_legs core.leg[], p_period tstzrange) returns json
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    return (
        with marked as (
            select l.*, l.leg - row_number() over (order by l.leg) as island
            from unnest(p_legs) as l
            where l.is_known and l.risk >= 0.5
        ),

        stretches as (
            select min(m.starts_m) as from_m, max(m.starts_m + m.length_m) as to_m,
                coalesce(sum(m.length_m * m.risk) / nullif(sum(m.length_m), 0), max(m.risk)) as risk,
                st_makeline(m.geom order by m.leg) as line
            from marked as m
            group by m.island
        ),

        numbered as (
            select s.*, row_number() over (order by s.from_m) as i from stretches as s
        )

        select coalesce(json_agg(json_build_object(
            'from_m', round(n.from_m::numeric, 1),
            'to_m', round(n.to_m::numeric, 1),
            'risk', round(n.risk::numeric, 4),
            'incidents', coalesce(c.counts, '{}')
        ) order by n.i), '[]')
        from numbered as n
        left join core.incidents_along(
            p_city.utm_srid, (select array_agg(n.line order by n.i) from numbered as n), p_period) as c
            on c.line = n.i
    );
end
$$;

comment on function core.risky_stretches(core.cities, core.leg[], tstzrange) is
'Consecutive legs of risk 0.5 and more, half of what the city''s 95th percentile is, with the incidents behind them by offence class. Stretches where no source reports are never among them.';
revoke all on function core.risky_stretches(core.cities, core.leg[], tstzrange) from public;
grant execute on function core.risky_stretches(core.cities, core.leg[], tstzrange) to saferoute_api;
