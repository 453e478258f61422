create or replace function core.note_reply(p_provider text, p_from text, p_text text) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_delivery core.alert_deliveries;
    v_is_open boolean;
begin
    select d.* into v_delivery
    from core.alert_deliveries as d
    inner join core.alerts as a on d.alert_id = a.alert_id
    where d.address = p_from and d.channel in ('sms', 'voice') and d.kind in ('alert', 'duress') and d.attempts > 0
        and d.queued_at > now() - interval '30 days'
    -- One number may be a contact of several walkers: what is still open comes first, then what they heard of last.
    order by a.ended_at is null desc, a.state = 'acknowledged', coalesce(d.sent_at, d.queued_at) desc
    limit 1;
    if not found then
        return json_build_object('result', 'unknown');
    end if;
    if lower(btrim(p_text, E' \t\r\n.!"''')) !~ '^(1|ok|okay|o\.k|k|yes|y|si|sí|oui|ja|sim|हाँ|हां|ठीक है|ओके)$' then
        perform core.append_alert_event(v_delivery.alert_id, 'not_understood', v_delivery.delivery_id, jsonb_build_object(
            'contact_id', v_delivery.contact_id, 'provider', p_provider
        ));
        return core.answered(v_delivery, 'not_understood');
    end if;
    return core.answered(
        v_delivery,
        case when core.acknowledge(v_delivery.alert_id, v_delivery.contact_id, 'sms') then 'acknowledged' else 'ended' end
    );
end
$$;

comment on function core.note_reply(text, text, text) is
'A text that came from p_from (E.164). OK, 1 or yes in one of the languages of contacts acknowledges the alert they were told of last that is open; the result says what became of it: acknowledged, ended, not_understood, or unknown where nothing was sent to that number in 30 days. The text is not kept.';
revoke all on function core.note_reply(text, text, text) from public;
grant execute on function core.note_reply(text, text, text) to saferoute_tasks;
