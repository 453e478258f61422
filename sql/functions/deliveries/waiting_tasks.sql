create or replace function core.waiting_tasks(p_queue text, p_limit integer) returns integer
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_count integer;
begin
    execute format(
        'select count(*) from (select from pgmq.%I as q where q.vt <= clock_timestamp() limit $1) as w', 'q_' || p_queue
    ) into v_count using p_limit;
    return v_count;
end
$$;

comment on function core.waiting_tasks(text, integer) is
'How many tasks wait in a queue, counted up to p_limit.';
revoke all on function core.waiting_tasks(text, integer) from public;
grant execute on function core.waiting_tasks(text, integer) to saferoute_tasks;
