create or replace function core.enqueue_task(
    p_queue text, p_task text, p_arguments jsonb, p_delay interval default '0'
) returns void
language plpgsql volatile parallel unsafe security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
    v_id text := gen_random_uuid();
    -- Celery's message, protocol 2: positional arguments, named ones, what follows the task.
    v_body text := json_build_array(
        p_arguments, '{}'::json, '{"callbacks": null, "errbacks": null, "chain": null, "chord": null}'::json
    );
begin
    perform pgmq.send(
        p_queue,
        jsonb_build_object(
            'body', translate(encode(convert_to(v_body, 'UTF8'), 'base64'), e'\n', ''),
            'content-type', 'application/json',
            'content-encoding', 'utf-8',
            'headers', jsonb_build_object(
                'lang', 'py', 'task', p_task, 'id', v_id, 'root_id', v_id, 'parent_id', null, 'group', null,
                'retries', 0, 'eta', null, 'expires', null, 'timelimit', '[null, null]'::jsonb, 'ignore_result', true
            ),
            'properties', jsonb_build_object(
                'correlation_id', v_id, 'reply_to', '', 'delivery_mode', 2, 'priority', 0,
                'delivery_tag', gen_random_uuid(), 'body_encoding', 'base64',
                'delivery_info', jsonb_build_object('exchange', '', 'routing_key', p_queue)
            )
        ),
        clock_timestamp() + p_delay
    );
end
$$;

comment on function core.enqueue_task(text, text, jsonb, interval) is
'Have a worker run p_task with p_arguments (a JSON array), once this transaction has committed and p_delay has passed: a message of Celery in the queue alarm, default or bulk. It is a nudge and may get lost: what must happen stands in a row that a sweep finds.';
revoke all on function core.enqueue_task(text, text, jsonb, interval) from public;
grant execute on function core.enqueue_task(text, text, jsonb, interval)
to saferoute_api, saferoute_auth, saferoute_tasks;
