create or replace function core.tell_due_tiers(p_alert core.alerts) returns core.inbox_entries[]
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_entries core.inbox_entries [] := '{}';
    v_step core.escalation_steps;
begin
    for v_step in
        select s.* from core.alert_steps(p_alert) as s
        where s.tier > p_alert.tier and p_alert.due_at + s.after <= clock_timestamp()
        order by s.tier
    loop
        -- The first tier was written with the alert; a later one may repeat it, and new contacts are in it.
        if v_step.tier > 1 then
            -- Who has withdrawn meanwhile, or was removed, is not told.
            update core.alert_deliveries as d set state = 'cancelled'
            where d.alert_id = p_alert.alert_id and d.tier = v_step.tier and d.kind = core.alert_kind(p_alert)
                and d.state = 'queued' and d.attempts = 0 and not exists (
                    select from core.contacts as c where c.contact_id = d.contact_id and c.state = 'accepted'
                );
            perform core.add_deliveries(p_alert, v_step.tier);
        end if;
        v_entries := v_entries || core.tell_tier(p_alert, v_step.tier);
        p_alert.tier := v_step.tier;
    end loop;
    update core.alerts as a set
        tier = p_alert.tier,
        state = case when a.state = 'countdown' and p_alert.tier > 0 then 'active' else a.state end,
        next_tier_at = (
            select p_alert.due_at + min(s.after) from core.alert_steps(p_alert) as s where s.tier > p_alert.tier
        )
    where a.alert_id = p_alert.alert_id;
    return v_entries;
end
$$;

comment on function core.tell_due_tiers(core.alerts) is
'Have every tier told of an alert whose time has come. The caller holds the alerts row; the answer is for core.add_inbox_entries.';
revoke all on function core.tell_due_tiers(core.alerts) from public;
grant execute on function core.tell_due_tiers(core.alerts) to saferoute_api, saferoute_tasks;
