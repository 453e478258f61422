create or replace function core.sweep_reports() returns integer
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_waiting constant interval := '1 minute';
    v_nudged integer;
begin
    delete from core.reports as r
    where r.ctid = any(array(
        select o.ctid from core.reports as o where o.expires_at <= clock_timestamp() limit 1000 for update skip locked
    ));
    with nudged as (
        update core.reports as r
        set nudged_at = clock_timestamp()
        where r.report_id = any(array(
            select o.report_id
            from core.reports as o
            where o.state in ('queued', 'running') and o.nudged_at <= clock_timestamp() - v_waiting
                and coalesce(o.claimed_until, '-infinity') <= clock_timestamp()
            order by o.nudged_at
            limit 1000
            for update skip locked
        ))
        returning r.report_id, r.kind
    )

    select count(*) into v_nudged from nudged as n cross join lateral core.enqueue_report(n.report_id, n.kind);
    return v_nudged;
end
$$;

comment on function core.sweep_reports() is
'Remove reports that have expired, and queue a task for those that wait although nobody makes them: their task was lost, or its worker. How many were queued.';
revoke all on function core.sweep_reports() from public;
grant execute on function core.sweep_reports() to saferoute_tasks;
