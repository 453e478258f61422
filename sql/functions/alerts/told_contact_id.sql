create or replace function core.told_contact_id(p_alert_id uuid, p_user_id uuid) returns uuid
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select d.contact_id
from core.alert_deliveries as d
where d.alert_id = p_alert_id and d.recipient_id = p_user_id
order by d.queued_at
limit 1
$$;

comment on function core.told_contact_id(uuid, uuid) is
'As which contact of the walker''s an account was told of an alert; null where it was not.';
revoke all on function core.told_contact_id(uuid, uuid) from public;
grant execute on function core.told_contact_id(uuid, uuid) to saferoute_api;
