create or replace function core.erase_alert_events(
    p_user_id uuid, p_limit bigint
) returns table (leaf regclass, removed bigint)
language plpgsql volatile strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    leaf := 'core.alert_events'::regclass;
    update core.alert_events as e set user_id = null, salt = null, content = null
    where e.ctid = any(array(select o.ctid from core.alert_events as o where o.user_id = p_user_id limit p_limit));
    get diagnostics removed = row_count;
    return next;
end
$$;

comment on function core.erase_alert_events(uuid, bigint) is
'Take a person out of up to p_limit events of their alerts. The digests stay and tell nothing without the salt: the chain can still be verified.';
revoke all on function core.erase_alert_events(uuid, bigint) from public;
