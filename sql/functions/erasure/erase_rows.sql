create or replace function core.erase_rows(
    p_table regclass, p_user_column text, p_user_id uuid, p_limit bigint
) returns bigint
language plpgsql volatile strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_removed bigint;
begin
    execute format(
        'delete from only %1$s where ctid = any(array(select ctid from only %1$s where %2$I = $1 limit $2))',
        p_table, p_user_column
    ) using p_user_id, p_limit;
    get diagnostics v_removed = row_count;
    return v_removed;
end
$$;

comment on function core.erase_rows(regclass, text, uuid, bigint) is
'Remove up to p_limit rows of a person from one table, found by its user column; how many.';
revoke all on function core.erase_rows(regclass, text, uuid, bigint) from public;
