create or replace function tasks.queue_state() returns json
language sql stable parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.queue_state()
$$;

comment on function tasks.queue_state() is
'How work stands: tasks, deliveries and messages that wait, and for how long, and dead letters.';
alter function tasks.queue_state() owner to saferoute_tasks;
revoke all on function tasks.queue_state() from public;
grant execute on function tasks.queue_state() to worker;
