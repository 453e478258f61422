create or replace function core.escalate(p_limit integer) returns integer
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_alert core.alerts;
    v_entries core.inbox_entries [] := '{}';
    v_alerts integer := 0;
begin
    perform set_config('synchronous_commit', 'on', true);
    -- Each alert once, however many sweeps run: who comes second leaves it to the first.
    for v_alert in
        select a.*
        from core.alerts as a
        where a.next_tier_at <= clock_timestamp() or a.follow_up is not null
        -- Their chains stay locked until the commit: in one order, as core.note_inbox_read has it.
        order by a.alert_id
        limit p_limit
        for update skip locked
    loop
        if v_alert.follow_up is not null then
            v_entries := v_entries || core.tell_follow_up(v_alert);
        end if;
        if v_alert.next_tier_at <= clock_timestamp() then
            if v_alert.is_duress and v_alert.tier = 0 then
                perform core.add_deliveries(v_alert);
            end if;
            v_entries := v_entries || core.tell_due_tiers(v_alert);
        end if;
        v_alerts := v_alerts + 1;
    end loop;
    perform core.add_inbox_entries(v_entries);
    if v_alerts = p_limit then
        perform core.enqueue_task('alarm', 'escalate', '[]');
    end if;
    return v_alerts;
end
$$;

comment on function core.escalate(integer) is
'Have those told whose turn it is: the next tier of every alert that nobody has acknowledged, and what has become of an alert. How many alerts there were; where they are p_limit, another task looks for more. Run twice, or at the same time, it tells nobody twice.';
revoke all on function core.escalate(integer) from public;
grant execute on function core.escalate(integer) to saferoute_tasks;
