create or replace function core.fail_report(p_claim_id uuid, p_error text, p_retry_after interval) returns boolean
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_report core.reports;
begin
    update core.reports as r
    set state = case when p_retry_after is null then 'failed' else 'queued' end,
        error = p_error,
        ended_at = case when p_retry_after is null then clock_timestamp() end,
        claim_id = null,
        claimed_until = clock_timestamp() + p_retry_after,
        -- It was not begun: nothing is wrong with the report.
        attempts = r.attempts - case when p_retry_after is null then 0 else 1 end
    where r.claim_id = p_claim_id and r.state = 'running'
    returning r.* into v_report;
    if found and p_retry_after is not null then
        perform core.enqueue_report(v_report.report_id, v_report.kind, p_retry_after);
    end if;
    return v_report.report_id is not null;
end
$$;

comment on function core.fail_report(uuid, text, interval) is
'Note why a report cannot be made: at all, or (with p_retry_after) now. False where another worker has it now, or it is gone.';
revoke all on function core.fail_report(uuid, text, interval) from public;
grant execute on function core.fail_report(uuid, text, interval) to saferoute_tasks;
