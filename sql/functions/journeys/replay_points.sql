create or replace function core.replay_points(p_reason text, p_limit integer default 1000) returns bigint
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_times tstzmultirange := core.period_times('core.journey_points');
begin
    return core.store_quarantined_points(array(
        select q.quarantine_id
        from core.point_quarantine as q
        where q.reason = p_reason
            -- First the test that costs little: points older than what is kept may be many.
            and coalesce(v_times @> q.recorded_at, true)
            and core.recheck_point(q, v_times) is null
        order by q.quarantine_id
        limit p_limit
        for update skip locked
    ));
end
$$;

comment on function core.replay_points(text, integer) is
'Store up to p_limit of the points quarantined for p_reason that can be stored now, oldest first, as core.record_points would have on their arrival; how many have left the quarantine. 0 means that none is left that can. Several sessions may replay at once.';
revoke all on function core.replay_points(text, integer) from public;
