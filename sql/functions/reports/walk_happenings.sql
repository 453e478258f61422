create or replace function core.walk_happenings(p_journey core.journeys, p_utm_srid integer)
returns table (at timestamptz, until timestamptz, what text, state text, reason text, is_drill boolean, geom geometry)
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    return query
    with happenings as (
        select p_journey.started_at as at, null::timestamptz as until, 'start' as what, null as state, null as reason,
            false as is_drill, p_journey.origin::geometry as geom
        union all
        select p_journey.ended_at, null, 'end', null, null, false, null where p_journey.ended_at is not null
        union all
        select s.since, s.until, s.kind, null, null, false, null from core.walk_pauses(p_journey, p_utm_srid) as s
        union all
        select e.at, null, e.event, e.state, e.reason, false, null
        from core.journey_events as e
        where e.journey_id = p_journey.journey_id and e.user_id = p_journey.user_id and e.event <> 'eta'
            and e.reason is distinct from 'journey_ended' -- that is the end
        union all
        select a.raised_at, null, 'alert', null, a.cause, a.is_drill, a.geom
        from core.alerts as a
        where a.journey_id = p_journey.journey_id and a.user_id = p_journey.user_id
    )

    select h.at, h.until, h.what, h.state, h.reason, h.is_drill, coalesce(h.geom, n.geom)
    from happenings as h
    left join lateral (
        select p.geom from core.walk_points(p_journey) as p
        where h.geom is null and p.recorded_at <= h.at + interval '1 minute'
        order by p.recorded_at desc
        limit 1
    ) as n on true
    order by h.at, h.what;
end
$$;

comment on function core.walk_happenings(core.journeys, integer) is
'What happened on a walk, in order: start, end, stay, gap (of positions), what its watch noted, alert. Each where the walker was then, EPSG:4326; null where no position is known.';
revoke all on function core.walk_happenings(core.journeys, integer) from public;
grant execute on function core.walk_happenings(core.journeys, integer) to saferoute_tasks;
