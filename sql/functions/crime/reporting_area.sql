create or replace function core.reporting_area(p_source text, p_utm_srid integer) returns geometry
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_has_areas boolean := exists (
        select from core.crime_candidates as c where c.source = p_source and c.action <> 'rejected' and c.area is not null
    );
begin
    return (
        with places as (
            select distinct coalesce(c.area, '') as area, st_transform(c.geom, p_utm_srid) as geom
            from core.crime_candidates as c
            where c.source = p_source and c.action in ('loaded', 'replaced', 'unchanged')
                and (c.area is not null or not v_has_areas)
        ),
        centres as (
            select
                p.area,
                count(*) as places,
                st_setsrid(st_makepoint(
                    percentile_cont(0.5) within group (order by st_x(p.geom)),
                    percentile_cont(0.5) within group (order by st_y(p.geom))
                ), p_utm_srid) as geom
            from places as p
            group by p.area
        ),
        reaches as (
            select
                c.area, c.places, c.geom,
                greatest(250, 4 * percentile_disc(0.75) within group (order by st_distance(p.geom, c.geom))) as metres
            from centres as c
            inner join places as p on p.area = c.area
            group by c.area, c.places, c.geom
        ),
        hulls as (
            select
                r.area,
                case when r.places < 4 then st_collect(p.geom) else st_concavehull(st_collect(p.geom), 0.5) end as geom
            from reaches as r
            -- A stray row does not stretch its area; too few rows to tell make no area at all, only their surroundings.
            inner join places as p on p.area = r.area and (r.places < 4 or st_dwithin(p.geom, r.geom, r.metres))
            group by r.area, r.places
        )
        select st_multi(st_transform(st_simplifypreservetopology(st_union(st_buffer(h.geom, 250)), 5), 4326))
        from hulls as h
    );
end
$$;

comment on function core.reporting_area(text, integer) is
'Where a source reports (EPSG:4326 multipolygon): the concave hulls of the places in each of its reporting areas, 250 m wider, without places more than four times as far from the middle as three quarters of the area''s places are.';
revoke all on function core.reporting_area(text, integer) from public;
