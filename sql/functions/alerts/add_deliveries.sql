create or replace function core.add_deliveries(p_alert core.alerts, p_tier smallint default null) returns void
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
-- PL/pgSQL keeps the plan: in SQL it took 4 ms of a call's 11, here 1.2.
begin
    insert into core.alert_deliveries (
        delivery_id, alert_id, user_id, contact_id, recipient_id, kind, channel, address, address_digest, language, tier,
        due_at, next_attempt_at, endpoint_id, from_name
    )
    select
        core.uuid_v7(), p_alert.alert_id, p_alert.user_id, w.contact_id, w.contact_user_id, core.alert_kind(p_alert), w.channel,
        w.address, sha256(uuid_send(p_alert.alert_id) || convert_to(concat_ws(' ', w.channel, w.address), 'UTF8')), w.language,
        w.tier, p_alert.due_at + w.after, p_alert.due_at + w.after, w.endpoint_id, w.from_name
    from (
        select distinct on (w.contact_id, w.channel, w.address) w.*, s.tier, s.after
        from core.alert_steps(p_alert) as s
        inner join core.ways_to_tell(p_alert.user_id) as w
            on w.channel = any(s.channels) and (s.who = 'everyone' or w.is_first = (s.who = 'first'))
        where p_tier is null or s.tier = p_tier
        order by w.contact_id, w.channel, w.address, s.tier
    ) as w
    order by w.tier, w.priority
    on conflict do nothing;
end
$$;

comment on function core.add_deliveries(core.alerts, smallint) is
'Write who is to be told of an alert: p_tier, or where that is null every contact and channel in the tier that names it first.';
revoke all on function core.add_deliveries(core.alerts, smallint) from public;
grant execute on function core.add_deliveries(core.alerts, smallint) to saferoute_api, saferoute_tasks;
