create or replace function core.count_user_rows(p_table regclass, p_user_column text, p_user_id uuid) returns bigint
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_rows bigint;
begin
    execute format('select count(*) from only %s where %I = $1', p_table, p_user_column) into v_rows using p_user_id;
    return v_rows;
end
$$;

comment on function core.count_user_rows(regclass, text, uuid) is
'How many rows of a person a table has, by reading all of it: what proves an erasure, on the primary and on replicas.';
revoke all on function core.count_user_rows(regclass, text, uuid) from public;
