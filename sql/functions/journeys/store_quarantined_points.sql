create or replace function core.store_quarantined_points(p_quarantine_ids bigint[]) returns bigint
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_batch record;
    v_done bigint;
begin
    -- Keys and journeys in one order, or two replays would wait for each other for ever.
    for v_batch in
        select q.user_id, q.journey_id, json_agg(coalesce(q.fixed, q.point) order by q.recorded_at, q.quarantine_id) as points
        from core.point_quarantine as q
        where q.quarantine_id = any(p_quarantine_ids)
        group by q.user_id, q.journey_id
        order by q.journey_id
    loop
        perform core.hold_journey(v_batch.user_id, v_batch.journey_id);
        perform core.ingest(
            v_batch.user_id, v_batch.journey_id, v_batch.points, '-infinity', 'infinity', box(point(-180, -90), point(180, 90))
        );
    end loop;
    delete from core.point_quarantine as q where q.quarantine_id = any(p_quarantine_ids);
    get diagnostics v_done = row_count;
    return v_done;
end
$$;

comment on function core.store_quarantined_points(bigint[]) is
'Move quarantined points, which the caller has locked and checked with core.recheck_point, to their journeys; how many have left the quarantine. What was stored before counts as moved.';
revoke all on function core.store_quarantined_points(bigint[]) from public;
