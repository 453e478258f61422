create or replace function core.nudge(p_limit integer) returns integer
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_nudged integer := 0;
    v_count integer;
begin
    -- One at a time: a second sweep would only queue the same again.
    if not pg_try_advisory_xact_lock(hashtextextended('saferoute nudge', 0)) then
        return 0;
    end if;
    perform core.heed_clock();
    -- Where many wait in the queue, workers are busy and nothing has been lost.
    if core.waiting_tasks('alarm', p_limit) < p_limit then
        perform core.enqueue_task('alarm', 'deliver', jsonb_build_array(d)) from core.due_deliveries(p_limit) as d;
        get diagnostics v_nudged = row_count;
    end if;
    if core.waiting_tasks('default', p_limit) < p_limit then
        perform core.enqueue_task('default', 'send_message', jsonb_build_array(m)) from core.due_messages(p_limit) as m;
        get diagnostics v_count = row_count;
        v_nudged := v_nudged + v_count;
    end if;
    return v_nudged;
end
$$;

comment on function core.nudge(integer) is
'Queue a task for what is due and unclaimed: deliveries and messages, up to p_limit of each. How many there were. So a broker that has lost everything has lost a few seconds.';
revoke all on function core.nudge(integer) from public;
grant execute on function core.nudge(integer) to saferoute_tasks;
