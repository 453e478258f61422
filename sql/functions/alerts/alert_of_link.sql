create or replace function core.alert_of_link(p_token text) returns core.alert_links
language plpgsql stable parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_link core.alert_links;
begin
    -- Policies read it: whoever has no account sees the one alert that their link opens.
    perform set_config('request.alert_link', coalesce(encode(sha256(convert_to(p_token, 'UTF8')), 'hex'), ''), true);
    select l.* into v_link
    from core.alert_links as l
    where l.digest = (select core.shown_alert_link()) and l.alert_id = (select core.opened_alert_id())
        and exists (select from core.alerts as a where a.alert_id = l.alert_id and a.user_id is not null);
    if not found then
        perform core.fail('SR054');
    end if;
    return v_link;
end
$$;

comment on function core.alert_of_link(text) is
'The link to an alert with this token, also for the policies until the transaction ends; SR054 where it opens nothing: it never did, it is older than 30 days, or the walker was erased.';
revoke all on function core.alert_of_link(text) from public;
grant execute on function core.alert_of_link(text) to saferoute_api;
