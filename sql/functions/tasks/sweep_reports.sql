create or replace function tasks.sweep_reports() returns integer
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.sweep_reports()
$$;

comment on function tasks.sweep_reports() is
'Remove reports that have expired, and queue tasks for those that nobody makes; how many were queued.';
alter function tasks.sweep_reports() owner to saferoute_tasks;
revoke all on function tasks.sweep_reports() from public;
grant execute on function tasks.sweep_reports() to worker;
