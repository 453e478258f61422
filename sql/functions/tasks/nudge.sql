create or replace function tasks.nudge(p_limit integer) returns integer
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.nudge(p_limit)
$$;

comment on function tasks.nudge(integer) is
'Queue a task for what is due and unclaimed, up to p_limit deliveries and messages; how many there were.';
alter function tasks.nudge(integer) owner to saferoute_tasks;
revoke all on function tasks.nudge(integer) from public;
grant execute on function tasks.nudge(integer) to worker;
