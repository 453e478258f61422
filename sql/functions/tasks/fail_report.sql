create or replace function tasks.fail_report(p_claim_id uuid, p_error text, p_retry_after interval default null) returns boolean
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.fail_report(p_claim_id, p_error, p_retry_after)
$$;

comment on function tasks.fail_report(uuid, text, interval) is
'Note why a report cannot be made: at all, or not before p_retry_after; false where it is not the caller''s any more.';
alter function tasks.fail_report(uuid, text, interval) owner to saferoute_tasks;
revoke all on function tasks.fail_report(uuid, text, interval) from public;
grant execute on function tasks.fail_report(uuid, text, interval) to worker;
