create or replace function core.shown_alert_link() returns bytea
language sql stable parallel safe security invoker
as $$
select decode(nullif(current_setting('request.alert_link', true), ''), 'hex')
$$;

comment on function core.shown_alert_link() is
'Digest of the link to an alert that the caller shows, noted by core.alert_of_link; null without one. Inlined, so it has no search_path of its own.';
revoke all on function core.shown_alert_link() from public;
grant execute on function core.shown_alert_link() to saferoute_api;
