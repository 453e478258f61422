create or replace function tasks.escalate() returns integer
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.escalate(100)
$$;

comment on function tasks.escalate() is
'Have those told whose turn it is, of up to 100 alerts; how many there were. Where there are more, a task for them is queued.';
alter function tasks.escalate() owner to saferoute_tasks;
revoke all on function tasks.escalate() from public;
grant execute on function tasks.escalate() to worker;
