create or replace function core.store_calls(
    p_user_ids uuid[], p_calls json, p_times tstzmultirange, out answers text[], out widened json
)
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    with calls as materialized (
        select
            c.nth, c.points, j.journey_id, j.user_id, j.ended_at, j.points_from, j.points_until, j.cells,
            st_x(j.origin) as lon, st_y(j.origin) as lat
        from rows from (
            json_to_recordset(p_calls) as (journey_id uuid, points json), unnest(p_user_ids)
        ) with ordinality as c (journey_id, points, user_id, nth)
        cross join lateral (
            select i.*
            from core.journeys as i
            where i.journey_id = c.journey_id
            -- One look-up for each call: a join would be planned as a hash of all journeys.
            offset 0
        ) as j
        where j.user_id = c.user_id and j.erasing_since is null
    ),

    points as materialized (
        select
            c.nth, c.journey_id, c.user_id, p.recorded_at, p.lon, p.lat, p.speed_mps, p.accuracy_m, p.battery_pct,
            coalesce(
                p.recorded_at >= now() - interval '29 days'
                and p.recorded_at < least(now() + interval '10 minutes', c.ended_at + interval '1 microsecond')
                and (p_times is null or p_times @> p.recorded_at)
                -- This square lies within core.journey_reach, which takes far longer to make.
                and abs(p.lon - c.lon) < 2.5 and abs(p.lat - c.lat) < 2.5
                and abs(p.lon) <= 180 and abs(p.lat) <= 90,
                false
            ) as is_plain
        from calls as c
        cross join lateral core.read_points(c.points) as p
    ),

    -- In one order, or two of these would wait for each other's keys for ever.
    plain as materialized (
        select distinct on (u.journey_id, u.recorded_at, u.cell) u.*
        from (
            select p.*, st_geohash(st_makepoint(p.lon, p.lat), 5) collate "C" as cell
            from points as p
            where p.nth not in (select o.nth from points as o where not o.is_plain)
        ) as u
        order by u.journey_id, u.recorded_at, u.cell, u.nth
    ),

    stored as (
        insert into core.journey_points (
            journey_id, recorded_at, cell, user_id, geom, speed_mps, accuracy_m, battery_pct
        )
        select
            p.journey_id, p.recorded_at, p.cell, p.user_id, st_point(p.lon, p.lat, 4326),
            p.speed_mps, p.accuracy_m, p.battery_pct
        from plain as p
        on conflict do nothing
        returning journey_id, recorded_at, cell
    ),

    answered as (
        select p.nth, json_build_object(
            'accepted', coalesce(max(s.points), 0), 'duplicates', count(*) - coalesce(max(s.points), 0), 'quarantined', '[]'::json
        )::text as answer
        from points as p
        left join (
            select l.nth, count(*) as points
            from plain as l
            inner join stored as s using (journey_id, recorded_at, cell)
            group by l.nth
        ) as s on p.nth = s.nth
        group by p.nth
        having bool_and(p.is_plain)
    ),

    wider as (
        select s.journey_id, min(s.recorded_at) as since, max(s.recorded_at) as until, array_agg(distinct s.cell) as cells
        from stored as s
        inner join (
            select distinct on (c.journey_id) c.journey_id, c.points_from, c.points_until, c.cells from calls as c
        ) as j on s.journey_id = j.journey_id
        where not coalesce(j.points_from <= s.recorded_at and j.points_until > s.recorded_at and s.cell = any(j.cells), false)
        group by s.journey_id
    )

    select
        (
            select array_agg(a.answer order by n.nth)
            from generate_series(1, cardinality(p_user_ids)) as n (nth)
            left join answered as a on n.nth = a.nth
        ),
        (select json_agg(w order by w.journey_id) from wider as w)
    into answers, widened;
end
$$;

comment on function core.store_calls(uuid[], json, tstzmultirange) is
'Store the points of many calls of record_points at once, in one statement: see core.record_points_together. answers: of each call the JSON text, or null where anything about it is not plain; its points are then not stored. widened: journeys whose days and cells do not hold all that was stored, in order. p_times: those of the existing periods, null where every point should find its own.';
revoke all on function core.store_calls(uuid[], json, tstzmultirange) from public;
grant execute on function core.store_calls(uuid[], json, tstzmultirange) to saferoute_ingest;
