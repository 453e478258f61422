create or replace function tasks.claim_report(p_report_id uuid, p_lease interval default '2 minutes') returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.claim_report(p_report_id, p_lease)
$$;

comment on function tasks.claim_report(uuid, interval) is
'Take a report to make it: report_id, user_id, kind, parameters, claim_id, asked_at. Null where there is nothing to do.';
alter function tasks.claim_report(uuid, interval) owner to saferoute_tasks;
revoke all on function tasks.claim_report(uuid, interval) from public;
grant execute on function tasks.claim_report(uuid, interval) to worker;
