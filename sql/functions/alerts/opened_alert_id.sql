create or replace function core.opened_alert_id() returns uuid
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select coalesce(
    (
        select l.alert_id from core.alert_links as l
        where l.digest = (select core.shown_alert_link()) and l.made_at > now() - interval '30 days'
    ),
    (
        select e.alert_id from core.inbox_entries as e
        where e.alert_id = nullif(current_setting('request.alert_id', true), '')::uuid
            and e.user_id = (select core.current_user_id())
        limit 1
    )
)
$$;

comment on function core.opened_alert_id() is
'The alert of somebody else that the caller may see: the one whose link they show, or one that stands in their inbox, as noted by core.told_alert; null without one.';
revoke all on function core.opened_alert_id() from public;
grant execute on function core.opened_alert_id() to saferoute_api;
