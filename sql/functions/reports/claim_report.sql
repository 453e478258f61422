create or replace function core.claim_report(p_report_id uuid, p_lease interval) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_most_attempts constant integer := 3;
    v_report core.reports;
begin
    select r.* into v_report
    from core.reports as r
    where r.report_id = p_report_id and r.state in ('queued', 'running') and r.expires_at > clock_timestamp()
        and coalesce(r.claimed_until, '-infinity') <= clock_timestamp()
    for update skip locked;
    if not found then
        return null;
    elsif v_report.attempts >= v_most_attempts then
        -- What ends its worker each time would end them all.
        update core.reports as r
        set state = 'failed', error = format('It was begun %s times and did not end.', v_most_attempts), ended_at = clock_timestamp()
        where r.report_id = p_report_id;
        return null;
    end if;
    update core.reports as r
    set state = 'running', done = 0, attempts = attempts + 1, claim_id = gen_random_uuid(), claimed_until = clock_timestamp() + p_lease
    where r.report_id = p_report_id
    returning r.* into v_report;
    return json_build_object(
        'report_id', v_report.report_id,
        'user_id', v_report.user_id,
        'kind', v_report.kind,
        'parameters', v_report.parameters,
        'claim_id', v_report.claim_id,
        'asked_at', v_report.asked_at
    );
end
$$;

comment on function core.claim_report(uuid, interval) is
'Take a report to make it, for so long: report_id, user_id, kind, parameters, claim_id, asked_at. Null where there is nothing to do: another worker has it, it is made, it is gone. One that was begun three times without an end fails.';
revoke all on function core.claim_report(uuid, interval) from public;
grant execute on function core.claim_report(uuid, interval) to saferoute_tasks;
