create or replace function core.acknowledge_by_link(p_token text) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_link core.alert_links := core.alert_of_link(p_token);
    v_alert core.alerts;
begin
    if not core.acknowledge(v_link.alert_id, v_link.contact_id, 'link') then
        perform core.fail('SR092');
    end if;
    select a.* into strict v_alert from core.alerts as a where a.alert_id = v_link.alert_id;
    return core.told_summary(v_alert, v_link.contact_id);
end
$$;

comment on function core.acknowledge_by_link(text) is
'The contact to whom a link was sent takes care of its alert; SR054 where the link opens nothing, SR092 where the alert has ended.';
revoke all on function core.acknowledge_by_link(text) from public;
grant execute on function core.acknowledge_by_link(text) to saferoute_api;
