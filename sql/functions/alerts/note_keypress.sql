create or replace function core.note_keypress(p_delivery_id uuid, p_digits text) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_delivery core.alert_deliveries;
begin
    select d.* into v_delivery
    from core.alert_deliveries as d
    where d.delivery_id = p_delivery_id and d.channel = 'voice';
    if not found then
        return json_build_object('result', 'unknown');
    end if;
    if p_digits is distinct from '1' then
        return core.answered(v_delivery, 'not_understood');
    end if;
    return core.answered(
        v_delivery,
        case when core.acknowledge(v_delivery.alert_id, v_delivery.contact_id, 'voice') then 'acknowledged' else 'ended' end
    );
end
$$;

comment on function core.note_keypress(uuid, text) is
'A key pressed in the call of this delivery: 1 acknowledges its alert. The result is acknowledged, ended, not_understood or unknown.';
revoke all on function core.note_keypress(uuid, text) from public;
grant execute on function core.note_keypress(uuid, text) to saferoute_tasks;
