create or replace function core.due_deliveries(p_limit integer) returns setof uuid
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    return query
    select d.delivery_id
    from core.sendable_deliveries as d
    where d.claimed_until is null or d.claimed_until <= clock_timestamp()
    order by d.next_attempt_at
    limit p_limit;
end
$$;

comment on function core.due_deliveries(integer) is
'The deliveries that are due and that nobody has claimed, those first that have waited longest.';
revoke all on function core.due_deliveries(integer) from public;
grant execute on function core.due_deliveries(integer) to saferoute_tasks;
