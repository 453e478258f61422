create or replace function core.erase_inbox_entries(
    p_user_id uuid, p_limit bigint
) returns table (leaf regclass, removed bigint)
language plpgsql volatile strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    leaf := 'core.inbox_entries'::regclass;
    delete from core.inbox_entries as e
    where e.ctid = any(array(
        select o.ctid from core.inbox_entries as o where o.user_id = p_user_id or o.walker_id = p_user_id limit p_limit
    ));
    get diagnostics removed = row_count;
    return next;
end
$$;

comment on function core.erase_inbox_entries(uuid, bigint) is
'Remove up to p_limit entries of inboxes: what a person was told, and what others were told of their alerts.';
revoke all on function core.erase_inbox_entries(uuid, bigint) from public;
