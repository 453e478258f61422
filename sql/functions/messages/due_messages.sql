create or replace function core.due_messages(p_limit integer) returns setof uuid
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    return query
    select m.message_id
    from core.outbound_messages as m
    where m.status in ('queued', 'claimed') and m.next_attempt_at <= clock_timestamp()
        and (m.claimed_until is null or m.claimed_until <= clock_timestamp())
    order by m.next_attempt_at
    limit p_limit;
end
$$;

comment on function core.due_messages(integer) is
'The messages that are due and that nobody has claimed, those first that have waited longest.';
revoke all on function core.due_messages(integer) from public;
grant execute on function core.due_messages(integer) to saferoute_tasks;
