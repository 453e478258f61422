create or replace function core.alert_kind(p_alert core.alerts) returns text
language sql immutable parallel safe security invoker
as $$
select case when p_alert.is_duress then 'duress' else 'alert' end
$$;

comment on function core.alert_kind(core.alerts) is
'What is told of an alert that is open: duress once the walker was made to cancel it. Inlined, so it has no search_path of its own.';
revoke all on function core.alert_kind(core.alerts) from public;
grant execute on function core.alert_kind(core.alerts) to saferoute_api, saferoute_tasks;
