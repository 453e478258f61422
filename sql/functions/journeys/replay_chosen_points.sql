create or replace function core.replay_chosen_points(p_quarantine_ids bigint[]) returns bigint
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_times tstzmultirange := core.period_times('core.journey_points');
begin
    return core.store_quarantined_points(array(
        select q.quarantine_id
        from core.point_quarantine as q
        where q.quarantine_id = any(p_quarantine_ids) and core.recheck_point(q, v_times) is null
        order by q.quarantine_id
        for update skip locked
    ));
end
$$;

comment on function core.replay_chosen_points(bigint[]) is
'Store those of the given quarantined points that can be stored now; how many have left the quarantine.';
revoke all on function core.replay_chosen_points(bigint[]) from public;
