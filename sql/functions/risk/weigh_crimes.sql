create or replace function core.weigh_crimes(p_city_id integer, p_change_ids bigint[])
returns table (
    place geometry, week_hour integer, is_street_violence boolean, crimes integer, weight float8
)
language plpgsql stable security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = force_custom_plan
as $$
declare
    v_city core.cities;
    v_area geometry;
begin
    select c.* into strict v_city from core.cities as c where c.city_id = p_city_id;
    v_area := core.expand_metres(v_city.walkable_bounds, 250);
    -- STABLE, so that both tables are read in the caller's snapshot: a change is in both or in neither.
    return query
    with counted as (
        select 1 as sign, d.occurred_at, d.time_precision, d.category, d.geom
        from core.crime_data as d
        where p_change_ids is null and d.geom && v_area
        union all
        -- A refresh adds the pending changes later: what crime_data already shows of them is taken out here.
        select -c.sign, c.occurred_at, c.time_precision, c.category, c.geom
        from core.crime_changes as c
        where p_change_ids is null and c.geom && v_area
        union all
        select c.sign, c.occurred_at, c.time_precision, c.category, c.geom
        from core.crime_changes as c
        where c.change_id = any(p_change_ids) and c.geom && v_area
    )
    select
        st_transform(w.geom, v_city.utm_srid),
        case when w.time_precision = 'exact' then core.week_hour(w.occurred_at, v_city.time_zone) else 0 end,
        k.is_street_violence,
        w.sign,
        w.sign * core.crime_weight(k.severity, w.occurred_at)
    from counted as w
    inner join core.crime_categories as k on k.category = w.category;
end
$$;

comment on function core.weigh_crimes(integer, bigint[]) is
'Crimes within reach of a city''s streets: place in metres of its UTM zone, hour (0 where only the day or month is known), 1 or -1 crimes, and weight with that sign. p_change_ids names rows of core.crime_changes; null stands for every crime except what is still pending there.';
revoke all on function core.weigh_crimes(integer, bigint[]) from public;
