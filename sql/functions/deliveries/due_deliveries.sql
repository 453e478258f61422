create or replace function core.due_deliveries(p_limit integer) returns setof uuid
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    return query
    select d.delivery_id
    from core.alert_deliveries as d
    where d.state = 'queued' and d.channel <> 'live' and d.address is not null
        and d.next_attempt_at <= clock_timestamp()
        and (d.claimed_until is null or d.claimed_until <= clock_timestamp())
        and exists (
            select from core.alerts as a
            where a.alert_id = d.alert_id
                and (a.ended_at is null and a.tier >= d.tier or d.kind not in ('alert', 'duress'))
        )
    order by d.next_attempt_at
    limit p_limit;
end
$$;

comment on function core.due_deliveries(integer) is
'The deliveries that are due and that nobody has claimed, those first that have waited longest.';
revoke all on function core.due_deliveries(integer) from public;
grant execute on function core.due_deliveries(integer) to saferoute_tasks;
