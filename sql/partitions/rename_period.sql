create or replace function core.rename_period(p_period regclass, p_name text) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_old_name text := (select c.relname from pg_catalog.pg_class as c where c.oid = p_period);
    v_leaf record;
begin
    if v_old_name = p_name then
        return;
    end if;
    for v_leaf in
        select l.leaf, c.relname from core.leaves(p_period) as l inner join pg_catalog.pg_class as c on c.oid = l.leaf
    loop
        execute format(
            'alter table %s rename to %I', v_leaf.leaf, p_name || substr(v_leaf.relname, length(v_old_name) + 1)
        );
    end loop;
    execute format('alter table %s rename to %I', p_period, p_name);
end
$$;

comment on function core.rename_period(regclass, text) is
'Give a period another name, and its leaves theirs: the name of a leaf begins with that of its period.';
revoke all on function core.rename_period(regclass, text) from public;
