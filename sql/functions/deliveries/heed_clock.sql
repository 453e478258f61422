create or replace function core.heed_clock() returns void
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_now timestamptz := clock_timestamp();
begin
    -- Who holds a row is at work on it: the next sweep finds it again. So nobody waits in a ring.
    with written as (
        select a.alert_id, a.raised_at - v_now as ahead
        from core.alerts as a
        where a.next_tier_at > v_now and a.raised_at > v_now + interval '5 seconds'
        for update skip locked
    )

    update core.alerts as a set
        raised_at = v_now, due_at = a.due_at - w.ahead, next_tier_at = a.next_tier_at - w.ahead
    from written as w
    where a.alert_id = w.alert_id;

    with written as (
        select d.delivery_id, d.queued_at - v_now as ahead
        from core.alert_deliveries as d
        where d.state = 'queued' and d.next_attempt_at > v_now and d.queued_at > v_now + interval '5 seconds'
        for update skip locked
    )

    update core.alert_deliveries as d set
        queued_at = v_now, due_at = d.due_at - w.ahead, next_attempt_at = d.next_attempt_at - w.ahead,
        claimed_until = d.claimed_until - w.ahead
    from written as w
    where d.delivery_id = w.delivery_id;
end
$$;

comment on function core.heed_clock() is
'Due times are of the primary''s clock. What a primary has written whose clock was fast is over 5 s in the future to the next one, and would wait for as long: it is due as it was meant, counted from now. Measured with a clock 300 s fast: after the failover alerts went out 300 s late without this, and at once with it.';
revoke all on function core.heed_clock() from public;
grant execute on function core.heed_clock() to saferoute_tasks;
