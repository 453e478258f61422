create or replace function tasks.escalate() returns integer
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.escalate(500)
$$;

comment on function tasks.escalate() is
'Have those told whose turn it is, of up to 500 alerts; how many there were.';
alter function tasks.escalate() owner to saferoute_tasks;
revoke all on function tasks.escalate() from public;
grant execute on function tasks.escalate() to worker;
