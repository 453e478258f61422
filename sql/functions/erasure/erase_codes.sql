create or replace function core.erase_codes(p_user_id uuid, p_limit bigint)
returns table (leaf regclass, removed bigint)
language plpgsql volatile strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    leaf := 'core.codes'::regclass;
    delete from core.codes as c
    where c.code_id = any(array(
        select o.code_id from core.codes as o
        where o.user_id = p_user_id or o.address = any(array(select core.user_addresses(p_user_id)))
        limit p_limit
    ));
    get diagnostics removed = row_count;
    return next;
end
$$;

comment on function core.erase_codes(uuid, bigint) is
'Remove up to p_limit codes that a person asked for, or that went to the phone or the mailbox of their account.';
revoke all on function core.erase_codes(uuid, bigint) from public;
