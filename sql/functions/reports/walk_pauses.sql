create or replace function core.walk_pauses(p_journey core.journeys, p_utm_srid integer)
returns table (kind text, since timestamptz, until timestamptz)
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_least constant interval := '3 minutes';
    v_extent_m constant float8 := 40;
begin
    return query
    with positions as (
        select p.recorded_at as at, st_x(m.m) as x, st_y(m.m) as y, lag(p.recorded_at) over (order by p.recorded_at) as before
        from core.walk_points(p_journey) as p cross join lateral st_transform(p.geom, p_utm_srid) as m (m)
    ),

    ahead as (
        select p.at, max(p.at) over w as until, max(p.x) over w - min(p.x) over w as width, max(p.y) over w - min(p.y) over w as height
        from positions as p
        window w as (order by p.at range between current row and v_least following)
    ),

    stays as (
        select unnest(range_agg(tstzrange(a.at, a.until, '[]'))) as during
        from ahead as a
        -- Two positions at the ends say nothing of the time between.
        where a.until >= a.at + v_least * 2 / 3 and a.width <= v_extent_m and a.height <= v_extent_m
    )

    select 'stay', lower(s.during), upper(s.during) from stays as s where upper(s.during) - lower(s.during) >= v_least
    union all
    select 'gap', p.before, p.at from positions as p where p.at - p.before > v_least
    order by 2, 1;
end
$$;

comment on function core.walk_pauses(core.journeys, integer) is
'Where a walk stood still or was silent for 3 minutes or more: stay, all positions within 40 m of each other; gap, no position at all.';
revoke all on function core.walk_pauses(core.journeys, integer) from public;
grant execute on function core.walk_pauses(core.journeys, integer) to saferoute_tasks;
