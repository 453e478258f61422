create or replace function core.note_report_progress(p_claim_id uuid, p_done integer, p_lease interval) returns boolean
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    update core.reports as r
    set done = p_done, claimed_until = clock_timestamp() + p_lease
    where r.claim_id = p_claim_id and r.state = 'running';
    return found;
end
$$;

comment on function core.note_report_progress(uuid, integer, interval) is
'Note how many parts of a report are done, and keep it for so long from now; false where another worker has it now, or it is gone.';
revoke all on function core.note_report_progress(uuid, integer, interval) from public;
grant execute on function core.note_report_progress(uuid, integer, interval) to saferoute_tasks;
