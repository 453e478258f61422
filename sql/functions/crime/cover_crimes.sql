create or replace function core.cover_crimes(p_city core.cities, p_given geometry, p_time_zone text) returns void
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
as $$
begin
    insert into core.crime_coverage as v (source, city_id, area, area_method, covered_period)
    select
        f.source,
        p_city.city_id,
        coalesce(p_given, core.reporting_area(f.source, p_city.utm_srid)),
        case when p_given is null then 'hull' else 'given' end,
        tstzrange(f.since at time zone p_time_zone, f.until at time zone p_time_zone)
    from (
        select
            c.source,
            -- One misdated row in a thousand does not stretch the period.
            percentile_disc(0.001) within group (order by date_trunc('day', c.published_at at time zone p_time_zone)) as since,
            max(date_trunc('day', c.published_at at time zone p_time_zone)
                + case c.time_precision when 'month' then interval '1 month' else interval '1 day' end) as until
        from core.crime_candidates as c
        where c.action in ('loaded', 'replaced', 'unchanged')
        group by c.source
    ) as f
    on conflict (source, city_id) do update set
        area = case
            when excluded.area_method = 'given' then excluded.area
            when v.area_method = 'given' then v.area
            else st_multi(st_union(v.area, excluded.area))
        end,
        area_method = least(v.area_method, excluded.area_method),
        covered_period = range_merge(v.covered_period, excluded.covered_period)
        -- A union moves its corners by rounding: an area that grows by less than 100 square metres stays as it is.
        where not v.covered_period @> excluded.covered_period
            or (excluded.area_method = 'given' and not st_orderingequals(v.area, excluded.area))
            or (v.area_method = 'hull' and st_area(st_difference(excluded.area, v.area)) > 1e-8);
end
$$;

comment on function core.cover_crimes(core.cities, geometry, text) is
'Record where and when the sources of the imported file report: the given area or the hull of their reporting areas, added to what earlier files covered. A given area stands until another is given.';
revoke all on function core.cover_crimes(core.cities, geometry, text) from public;
