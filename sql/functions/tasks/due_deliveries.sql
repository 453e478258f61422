create or replace function tasks.due_deliveries(p_limit integer) returns setof uuid
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.due_deliveries(p_limit)
$$;

comment on function tasks.due_deliveries(integer) is
'The deliveries that are due and that nobody has claimed, those first that have waited longest.';
alter function tasks.due_deliveries(integer) owner to saferoute_tasks;
revoke all on function tasks.due_deliveries(integer) from public;
grant execute on function tasks.due_deliveries(integer) to worker;
