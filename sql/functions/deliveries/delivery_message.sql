create or replace function core.delivery_message(p_delivery core.alert_deliveries) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_alert core.alerts;
    v_endpoint core.notification_endpoints;
    v_link text := core.make_alert_link(p_delivery);
    v_zone text;
begin
    select a.* into strict v_alert from core.alerts as a where a.alert_id = p_delivery.alert_id;
    select e.* into v_endpoint from core.notification_endpoints as e where e.endpoint_id = p_delivery.endpoint_id;
    select c.time_zone into v_zone
    from core.cities as c
    where c.walkable_bounds && v_alert.geom
    order by st_area(c.walkable_bounds)
    limit 1;
    return json_build_object(
        'delivery_id', p_delivery.delivery_id,
        'claim_id', p_delivery.claim_id,
        'channel', p_delivery.channel,
        'address', p_delivery.address,
        'language', p_delivery.language,
        'kind', p_delivery.kind,
        'template', case when v_alert.is_drill then 'drill_' else '' end || case
            when p_delivery.kind <> 'alert' then p_delivery.kind
            when exists (
                select from core.alert_deliveries as d
                where d.alert_id = p_delivery.alert_id and d.contact_id = p_delivery.contact_id
                    and d.channel = p_delivery.channel and d.kind = 'alert' and d.tier < p_delivery.tier
            ) then 'escalated'
            else 'alert_' || v_alert.cause
        end,
        'parameters', json_build_object(
            'from_name', coalesce(p_delivery.from_name, 'Safe Route'),
            'raised_at', v_alert.raised_at,
            'time', to_char(v_alert.raised_at at time zone v_zone, 'HH24:MI'),
            'lon', st_x(v_alert.geom),
            'lat', st_y(v_alert.geom),
            'note', v_alert.message,
            'link', v_link
        ),
        'idempotency_key', p_delivery.delivery_id,
        'attempts', p_delivery.attempts,
        -- By them a text of an earlier attempt is known: another alert may say the same in the same minute.
        'links', (
            select json_agg(encode(l.digest, 'hex')) from core.alert_links as l where l.delivery_id = p_delivery.delivery_id
        ),
        'provider', p_delivery.provider,
        'provider_id', p_delivery.provider_id,
        -- A later tier may say the same again: what is older is not this message.
        'queued_at', greatest(p_delivery.queued_at, p_delivery.due_at),
        'keys', json_strip_nulls(json_build_object(
            'p256dh', v_endpoint.p256dh, 'auth', v_endpoint.auth, 'secret', v_endpoint.secret
        )),
        'event', json_build_object(
            'type', 'alert', 'alert_id', v_alert.alert_id,
            'event', case p_delivery.kind when 'alert' then 'raised' else p_delivery.kind end,
            'drill', v_alert.is_drill, 'cause', v_alert.cause, 'raised_at', v_alert.raised_at,
            'lon', st_x(v_alert.geom), 'lat', st_y(v_alert.geom), 'message', v_alert.message,
            'from_name', p_delivery.from_name, 'link', v_link
        )
    );
end
$$;

comment on function core.delivery_message(core.alert_deliveries) is
'What a worker needs to send a claimed delivery: where to, which text and what it names, and what programs are told. It makes the link that stands in it.';
revoke all on function core.delivery_message(core.alert_deliveries) from public;
grant execute on function core.delivery_message(core.alert_deliveries) to saferoute_tasks;
