-- A function and not a query within the view: EXPLAIN ANALYZE prints how many rows every step of a view has read, so it
-- would tell the size of the groups that are left out. Of a function it tells what it returns.
create or replace function analytics.crimes_of_month(p_month date)
returns table (city text, cell text, category text, crimes bigint, geom geometry)
language plpgsql stable strict parallel safe security definer
set search_path = core, public, pg_temp
set plan_cache_mode = 'force_custom_plan'
rows 200
as $$
declare
    v_month constant timestamp := date_trunc('month', p_month::timestamp);
    v_next constant timestamp := v_month + interval '1 month';
    v_since timestamptz;
    v_until timestamptz;
begin
    -- Values, not expressions: the planner prunes by these.
    select min(v_month at time zone t.zone), max(v_next at time zone t.zone)
    into v_since, v_until
    from (select c.time_zone from core.cities as c union select 'UTC') as t (zone);
    return query
    with zones as (
        -- The first moment of June in London, which stands for all of June where only the month is known, is in May
        -- for UTC: the month is the one of the source's city.
        select distinct on (v.source)
            v.source,
            v_month at time zone c.time_zone as begins_at,
            v_next at time zone c.time_zone as ends_at
        from core.crime_coverage as v
        inner join core.cities as c on c.city_id = v.city_id
        order by v.source, v.city_id
    ),
    groups as (
        select d.cell, d.category, count(*) as crimes
        from core.crime_data as d
        left join zones as z on z.source = d.source
        where d.occurred_at >= v_since
            and d.occurred_at < v_until
            and d.occurred_at >= coalesce(z.begins_at, v_month at time zone 'UTC')
            and d.occurred_at < coalesce(z.ends_at, v_next at time zone 'UTC')
        group by d.cell, d.category
        having count(*) >= analytics.smallest_group()
    )
    select
        (
            select c.name
            from core.cities as c
            where c.walkable_bounds && b.box
            order by st_area(c.walkable_bounds), c.city_id
            limit 1
        ),
        g.cell, g.category, g.crimes, b.box
    from groups as g
    cross join lateral core.geohash_box(g.cell) as b (box);
end
$$;

comment on function analytics.crimes_of_month(date) is
'What crimes_by_cell_month shows of the month that holds a day. Reads the partitions of that month and, where the month of any city begins or ends apart from the one of UTC, of its neighbours.';
revoke all on function analytics.crimes_of_month(date) from public;
grant execute on function analytics.crimes_of_month(date) to analyst;
