create or replace function core.sweep_journeys(p_now timestamptz, p_limit integer) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = 'force_custom_plan'
set max_parallel_workers_per_gather = '0'
set jit = off
as $$
declare
    v_now timestamptz := coalesce(p_now, clock_timestamp());
    v_due record;
    v_watch core.watches;
    v_stepped record;
    v_looked integer := 0;
    v_events integer := 0;
    v_quiet uuid [] := '{}';
    v_quiet_until timestamptz [] := '{}';
    v_warnings core.inbox_entries [] := '{}';
begin
    for v_due in
        -- Another sweep has those that it holds, and has moved them on once it lets go of them.
        with due as materialized (
            select w as watch
            from core.watches as w
            where w.next_look_at <= v_now
            order by w.next_look_at
            limit p_limit
            for update skip locked
        )

        select
            d.watch,
            (select array_agg(g order by g.geofence_id) from core.geofences as g where g.journey_id = (d.watch).journey_id) as geofences,
            n.points
        from due as d
        left join lateral (
            select array_agg(f.point order by (f.point).recorded_at, (f.point).cell) as points
            from (
                select p as point
                from core.journeys as j
                cross join lateral unnest(j.cells) as c (cell)
                -- One cell after the other: leaves are pruned by a value, not by an array. The days of v_now prune when
                -- it is planned.
                inner join core.journey_points as p
                    on p.journey_id = j.journey_id and p.cell = c.cell collate "C"
                where j.journey_id = (d.watch).journey_id
                    and (d.watch).state <> 'planned'
                    and j.points_until > coalesce((d.watch).heard_at, (d.watch).starts_at)
                    and p.recorded_at > coalesce((d.watch).heard_at, (d.watch).starts_at)
                    and p.recorded_at > v_now - interval '1 day'
                    and p.recorded_at <= v_now + interval '10 minutes'
                order by p.recorded_at
                limit 1000
            ) as f
        ) as n on true
    loop
        v_looked := v_looked + 1;
        v_watch := v_due.watch;
        if v_due.points is not null then
            v_watch := core.see_points(v_watch, v_due.geofences, v_due.points, v_now);
        end if;
        if v_watch.state <> 'ended' then
            v_stepped := core.step_watch(v_watch, v_now);
            v_watch := v_stepped.watch;
            if v_stepped.warning is not null then
                v_warnings := v_warnings || core.walker_warning(v_watch, v_stepped.warning, v_now);
            end if;
            if v_due.points is null or v_watch.last_seq <> (v_due.watch).last_seq or v_watch.is_alarm_due then
                v_quiet := v_quiet || v_watch.journey_id;
                v_quiet_until := v_quiet_until || case
                    when cardinality(v_due.points) = 1000 then v_now else core.next_look(v_watch, v_now)
                end;
            end if;
        end if;
        v_events := v_events + (v_watch.last_seq <> (v_due.watch).last_seq)::integer;
    end loop;
    update core.watches as w set next_look_at = q.until
    from unnest(v_quiet, v_quiet_until) as q (journey_id, until)
    where w.journey_id = q.journey_id and w.state <> 'ended';
    -- Late, since it locks inboxes until the end of the transaction.
    perform core.add_inbox_entries(v_warnings);
    return json_build_object('looked', v_looked, 'changed', v_events, 'is_more', v_looked >= p_limit);
end
$$;

comment on function core.sweep_journeys(timestamptz, integer) is
'Look at up to p_limit watched walks that are due: read their new positions, and take each at most a step further. Several at once share them out. How many were looked at, of how many something was noted, and whether more may be due.';
revoke all on function core.sweep_journeys(timestamptz, integer) from public;
grant execute on function core.sweep_journeys(timestamptz, integer) to saferoute_tasks;
