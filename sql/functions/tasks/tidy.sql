create or replace function tasks.tidy(p_limit integer) returns integer
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.tidy(p_limit)
$$;

comment on function tasks.tidy(integer) is
'Remove entries of inboxes and links to alerts older than 30 days, up to p_limit of each; how many it removed.';
alter function tasks.tidy(integer) owner to saferoute_tasks;
revoke all on function tasks.tidy(integer) from public;
grant execute on function tasks.tidy(integer) to worker;
