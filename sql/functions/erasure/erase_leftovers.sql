create or replace function core.erase_leftovers(p_user_id uuid, p_leaf regclass, p_limit bigint default 5000) returns bigint
language plpgsql volatile strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_table record;
    v_removed bigint;
begin
    select t.relation, t.user_column into strict v_table from core.user_tables() as t where t.leaf = p_leaf;
    v_removed := core.erase_rows(p_leaf, v_table.user_column, p_user_id, p_limit);
    perform core.note_removed(core.begin_erasure(p_user_id), v_table.relation, v_removed);
    return v_removed;
end
$$;

comment on function core.erase_leftovers(uuid, regclass, bigint) is
'Remove up to p_limit rows of a person from one table of core.user_tables() by reading all of it: rows to which no journey leads. How many, counted in the open receipt.';
revoke all on function core.erase_leftovers(uuid, regclass, bigint) from public;
