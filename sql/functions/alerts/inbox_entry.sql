create or replace function core.inbox_entry(
    p_alert core.alerts, p_user_id uuid, p_event text, p_content jsonb
) returns core.inbox_entries
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_entry core.inbox_entries;
begin
    v_entry.user_id := p_user_id;
    v_entry.alert_id := p_alert.alert_id;
    v_entry.walker_id := p_alert.user_id;
    v_entry.event := p_event;
    v_entry.told_at := clock_timestamp();
    v_entry.message := jsonb_strip_nulls(jsonb_build_object(
        'type', 'alert',
        'alert_id', p_alert.alert_id,
        'event', p_event,
        'drill', p_alert.is_drill,
        'at', v_entry.told_at,
        'cause', p_alert.cause,
        'raised_at', p_alert.raised_at,
        'lon', st_x(p_alert.geom),
        'lat', st_y(p_alert.geom),
        'message', p_alert.message
    )) || p_content;
    return v_entry;
end
$$;

comment on function core.inbox_entry(core.alerts, uuid, text, jsonb) is
'What an account is to be told of an alert, for core.add_inbox_entries to number: where and why, and what p_content adds.';
revoke all on function core.inbox_entry(core.alerts, uuid, text, jsonb) from public;
grant execute on function core.inbox_entry(core.alerts, uuid, text, jsonb) to saferoute_api, saferoute_tasks;
