create or replace function core.drop_beside(p_table regclass) returns boolean
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
as $$
begin
    if p_table is null or exists (select from core.partition_archives as a where a.restored_as = p_table) then
        return false;
    end if;
    if exists (select from pg_catalog.pg_class as c where c.oid = p_table) then
        execute format('drop table %s', p_table);
    end if;
    return true;
end
$$;

comment on function core.drop_beside(regclass) is
'Drop a table that stood beside its set once no archive says any more that its rows are there; whether it is gone.';
revoke all on function core.drop_beside(regclass) from public;
