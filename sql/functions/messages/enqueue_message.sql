create or replace function core.enqueue_message(
    p_user_id uuid, p_channel text, p_address text, p_template text, p_language text, p_parameters jsonb
) returns text
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_country text := case p_channel when 'sms' then core.message_country(p_address) end;
    v_prefix text := core.message_prefix(p_channel, p_address);
    v_cost numeric;
    v_message_id uuid := core.uuid_v7();
    v_limit record;
    v_now timestamptz;
begin
    select c.cost into strict v_cost
    from core.message_costs as c
    where c.channel = p_channel and c.country in ('*', v_country)
    order by c.country = '*'
    limit 1;

    -- One lock for all limits: rows of counts, locked one by one, could deadlock two calls that send two messages each.
    perform pg_advisory_xact_lock(hashtextextended('saferoute messages', 0));
    v_now := clock_timestamp();
    for v_limit in select * from core.limits_of_message(p_channel, p_address, v_country, v_prefix, v_cost) loop
        if v_limit.amount = 0 or v_limit.counted + (
            select coalesce(sum(n.amount), 0) from core.message_counts as n
            where n.channel = p_channel and n.scope = v_limit.scope and n.subject = v_limit.subject
                and n.period = v_limit.period and n.expires_at > v_now
        ) > v_limit.amount then
            return v_limit.scope;
        end if;
    end loop;

    insert into core.message_counts as n (channel, scope, subject, period, bucket, amount, expires_at)
    select p_channel, l.scope, l.subject, l.period, b.bucket, l.counted, b.bucket + l.period * 13 / 12
    from core.limits_of_message(p_channel, p_address, v_country, v_prefix, v_cost) as l
    cross join lateral date_bin(l.period / 12, v_now, 'epoch') as b (bucket)
    on conflict (channel, scope, subject, period, bucket) do update set amount = n.amount + excluded.amount;

    insert into core.outbound_messages (
        message_id, user_id, channel, address, country, prefix, template, language, parameters, cost, not_after
    ) values (
        v_message_id, p_user_id, p_channel, p_address, v_country, v_prefix, p_template, p_language, p_parameters,
        v_cost, coalesce((p_parameters ->> 'expires_at')::timestamptz, v_now + interval '1 day')
    );

    perform core.enqueue_task('default', 'send_message', jsonb_build_array(v_message_id));

    -- Whoever adds one removes some: nothing has to run at night.
    delete from core.outbound_messages as m
    where m.message_id in (
        select o.message_id from core.outbound_messages as o where o.created_at < now() - interval '30 days' limit 20
    );
    delete from core.message_counts as n
    where n.ctid = any(array(select e.ctid from core.message_counts as e where e.expires_at <= v_now limit 20));
    return 'queued';
end
$$;

comment on function core.enqueue_message(uuid, text, text, text, text, jsonb) is
'Write a message (p_channel sms or email, p_address in E.164 or in lower case) and queue the task that sends it, unless a limit refuses it: queued, or the scope of that limit: number, prefix, country, spend. A refused one is not counted. p_parameters is what the text names; its `expires_at`, else a day, says until when the message is of use. Calls wait for each other until they commit: make it the last thing a transaction does.';
revoke all on function core.enqueue_message(uuid, text, text, text, text, jsonb) from public;
grant execute on function core.enqueue_message(uuid, text, text, text, text, jsonb) to saferoute_api, saferoute_auth;
