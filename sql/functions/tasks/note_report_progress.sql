create or replace function tasks.note_report_progress(p_claim_id uuid, p_done integer, p_lease interval default '2 minutes') returns boolean
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.note_report_progress(p_claim_id, p_done, p_lease)
$$;

comment on function tasks.note_report_progress(uuid, integer, interval) is
'Note how many parts of a report are done, and keep it longer; false where it is not the caller''s any more.';
alter function tasks.note_report_progress(uuid, integer, interval) owner to saferoute_tasks;
revoke all on function tasks.note_report_progress(uuid, integer, interval) from public;
grant execute on function tasks.note_report_progress(uuid, integer, interval) to worker;
