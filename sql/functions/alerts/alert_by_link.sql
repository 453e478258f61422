create or replace function core.alert_by_link(p_token text) returns json
language plpgsql stable parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_link core.alert_links := core.alert_of_link(p_token);
    v_alert core.alerts;
begin
    select a.* into strict v_alert from core.alerts as a where a.alert_id = v_link.alert_id;
    return core.told_summary(v_alert, v_link.contact_id);
end
$$;

comment on function core.alert_by_link(text) is
'The alert that a link opens, as the contact sees it to whom it was sent.';
revoke all on function core.alert_by_link(text) from public;
grant execute on function core.alert_by_link(text) to saferoute_api;
