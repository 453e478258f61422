create or replace function core.queue_state() returns json
language plpgsql stable parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    return json_build_object(
        'queues', (
            select json_object_agg(q.queue, json_build_object('tasks', q.tasks, 'oldest_s', q.oldest_s))
            from (
                select
                    n.queue,
                    count(w.vt) as tasks,
                    coalesce(round(extract(epoch from clock_timestamp() - min(w.vt))::numeric, 3), 0) as oldest_s
                from unnest('{alarm,default,bulk}'::text []) as n (queue)
                left join lateral (
                    select q.vt from pgmq.q_alarm as q where n.queue = 'alarm'
                    union all
                    select q.vt from pgmq.q_default as q where n.queue = 'default'
                    union all
                    select q.vt from pgmq.q_bulk as q where n.queue = 'bulk'
                ) as w on w.vt <= clock_timestamp()
                group by n.queue
            ) as q
        ),
        'deliveries', (
            select json_build_object(
                'due', count(*),
                'oldest_s', coalesce(round(extract(epoch from clock_timestamp() - min(d.next_attempt_at))::numeric, 3), 0),
                'claimed', count(*) filter (where d.claimed_until > clock_timestamp()),
                'retried', count(*) filter (where d.attempts > 0 and d.claimed_until is null)
            )
            from core.sendable_deliveries as d
        ),
        'messages', (
            select json_build_object(
                'due', count(*),
                'oldest_s', coalesce(round(extract(epoch from clock_timestamp() - min(m.next_attempt_at))::numeric, 3), 0)
            )
            from core.outbound_messages as m
            where m.status in ('queued', 'claimed') and m.next_attempt_at <= clock_timestamp()
        ),
        'dead_letters', (select count(*) from core.alert_deliveries as d where d.is_dead)
    );
end
$$;

comment on function core.queue_state() is
'How work stands: tasks that wait in each queue and for how long (seconds), deliveries and messages that are due (those that a worker has at the moment too), and dead letters.';
revoke all on function core.queue_state() from public;
grant execute on function core.queue_state() to saferoute_tasks;
