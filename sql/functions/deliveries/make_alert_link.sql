create or replace function core.make_alert_link(p_delivery core.alert_deliveries) returns text
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_token text := core.random_token();
begin
    if p_delivery.contact_id is null then
        return null;
    end if;
    insert into core.alert_links (digest, alert_id, contact_id, user_id, delivery_id)
    values (
        sha256(convert_to(v_token, 'UTF8')), p_delivery.alert_id, p_delivery.contact_id, p_delivery.user_id,
        p_delivery.delivery_id
    );
    return (select s.public_url from core.site as s) || '/alert#' || v_token;
end
$$;

comment on function core.make_alert_link(core.alert_deliveries) is
'A link that shows the alert of a delivery to its recipient, and lets them acknowledge it without an account; null where the recipient is no contact. Its token is kept nowhere, so every attempt to send makes another.';
revoke all on function core.make_alert_link(core.alert_deliveries) from public;
grant execute on function core.make_alert_link(core.alert_deliveries) to saferoute_tasks;
