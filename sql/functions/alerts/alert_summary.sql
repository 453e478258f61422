create or replace function core.alert_summary(p_alert core.alerts) returns json
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    return (
        select json_build_object(
            'alert_id', p_alert.alert_id,
            'cause', p_alert.cause,
            'journey_id', p_alert.journey_id,
            'state', coalesce(p_alert.shown_state, p_alert.state),
            'told', (e.content ->> 'contacts')::integer,
            'raised_at', p_alert.raised_at,
            'told_from', (e.content ->> 'told_from')::timestamptz,
            'acknowledged_at', case
                when p_alert.shown_ended_at is null or p_alert.acknowledged_at < p_alert.shown_ended_at
                    then p_alert.acknowledged_at
            end,
            'ended_at', coalesce(p_alert.shown_ended_at, p_alert.ended_at),
            'lon', st_x(p_alert.geom),
            'lat', st_y(p_alert.geom),
            'position_from', e.content -> 'position_from',
            'message', p_alert.message,
            'silent', p_alert.is_silent,
            'drill', p_alert.is_drill,
            'left_out', e.content -> 'left_out'
        )
        from core.alert_events as e
        where e.alert_id = p_alert.alert_id and e.number = 1
    );
end
$$;

comment on function core.alert_summary(core.alerts) is
'An alert as the walker sees it: one that they were made to cancel is cancelled. told is how many contacts it was raised for, left_out what of the call could not be used.';
revoke all on function core.alert_summary(core.alerts) from public;
grant execute on function core.alert_summary(core.alerts) to saferoute_api, saferoute_tasks;
