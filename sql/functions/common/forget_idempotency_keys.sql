create or replace function core.forget_idempotency_keys(p_limit integer default 1000) returns bigint
language plpgsql volatile strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_forgotten bigint;
begin
    delete from core.idempotency_keys as k
    where k.ctid = any(array(
        select o.ctid
        from core.idempotency_keys as o
        where o.created_at < now() - interval '24 hours'
        order by o.created_at
        limit p_limit
        for update skip locked
    ));
    get diagnostics v_forgotten = row_count;
    return v_forgotten;
end
$$;

comment on function core.forget_idempotency_keys(integer) is
'Remove up to p_limit of the answers that have been kept for their 24 hours; how many. 0 means that none is left.';
revoke all on function core.forget_idempotency_keys(integer) from public;
