create or replace function core.erase_alerts(
    p_user_id uuid, p_limit bigint
) returns table (leaf regclass, removed bigint)
language plpgsql volatile strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    leaf := 'core.alerts'::regclass;
    update core.alerts as a set
        user_id = null,
        journey_id = null,
        geom = null,
        message = null,
        state = case when a.ended_at is null then 'cancelled' else a.state end,
        ended_at = coalesce(a.ended_at, now()),
        next_tier_at = null,
        follow_up = null
    where a.alert_id = any(array(select o.alert_id from core.alerts as o where o.user_id = p_user_id limit p_limit));
    get diagnostics removed = row_count;
    return next;
end
$$;

comment on function core.erase_alerts(uuid, bigint) is
'Take a person out of up to p_limit alerts of theirs: who and where it was and what they wrote. The row stays, so that the chain of its events can be verified; one that is open ends.';
revoke all on function core.erase_alerts(uuid, bigint) from public;
