create or replace function core.rename_period(p_period regclass, p_name text) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_old_name text := (select c.relname from pg_catalog.pg_class as c where c.oid = p_period);
    v_relation record;
begin
    if v_old_name = p_name then
        return;
    end if;
    for v_relation in
        with tables (oid) as (
            select p_period::oid
            union all
            select l.leaf from core.leaves(p_period) as l
            union all
            select x.indexrelid
            from pg_catalog.pg_index as x
            where x.indrelid = p_period or x.indrelid in (select l.leaf from core.leaves(p_period) as l)
        )

        select
            c.oid::regclass as relation,
            p_name || substr(c.relname, length(v_old_name) + 1) as new_name,
            case when c.relkind in ('i', 'I') then 'index' else 'table' end as kind
        from tables as t inner join pg_catalog.pg_class as c on c.oid = t.oid
        where starts_with(c.relname, v_old_name)
    loop
        execute format('alter %s %s rename to %I', v_relation.kind, v_relation.relation, v_relation.new_name);
    end loop;
end
$$;

comment on function core.rename_period(regclass, text) is
'Give a period another name, and its leaves and indexes theirs, which begin with it.';
revoke all on function core.rename_period(regclass, text) from public;
