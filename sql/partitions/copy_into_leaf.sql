create or replace function core.copy_into_leaf(p_repartition_id bigint, p_leaf regclass) returns bigint
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set jit = off
as $$
declare
    v_parts record;
    v_lower text;
    v_upper text;
    v_prefixes text [];
    v_rows bigint;
    v_part record;
begin
    select * into v_parts from core.repartition_parts(p_repartition_id);
    select l.lower_cell, l.upper_cell into strict v_lower, v_upper
    from core.leaves(v_parts.staging::regclass) as l where l.leaf = p_leaf;
    if v_lower is not null then
        execute format(
            'insert into %1$s (%2$s) select t.* from %3$s as t where t.cell >= $1 and t.cell < $2',
            p_leaf, v_parts.columns, v_parts.source
        ) using v_lower, v_upper;
    else
        select r.prefixes into v_prefixes from core.repartitions as r where r.repartition_id = p_repartition_id;
        execute format(
            'insert into %1$s (%2$s) select t.* from %3$s as t where not exists (select from unnest($1) as u (prefix) where starts_with(t.cell, u.prefix))',
            p_leaf, v_parts.columns, v_parts.source
        ) using v_prefixes;
    end if;
    get diagnostics v_rows = row_count;
    update core.repartitions as r set row_count = r.row_count + v_rows where r.repartition_id = p_repartition_id;

    -- After the rows, which is twice as fast, and as the period has them: ATTACH takes them over and builds nothing.
    for v_part in
        select format('add %s', pg_catalog.pg_get_constraintdef(c.oid)) as definition
        from pg_catalog.pg_constraint as c where c.conrelid = v_parts.period and c.contype in ('p', 'u', 'f')
        order by c.contype desc, c.conname
    loop
        execute format('alter table %s %s', p_leaf, v_part.definition);
    end loop;
    for v_part in
        select pg_catalog.pg_get_indexdef(i.indexrelid) as definition, i.indisunique
        from pg_catalog.pg_index as i
        where i.indrelid = v_parts.period
            and not exists (select from pg_catalog.pg_constraint as c where c.conindid = i.indexrelid)
    loop
        execute format(
            'create %s index on %s %s', case when v_part.indisunique then 'unique' end, p_leaf,
            substr(v_part.definition, position(' USING ' in v_part.definition))
        );
    end loop;
    return v_rows;
end
$$;

comment on function core.copy_into_leaf(bigint, regclass) is
'Copy the rows of a new leaf from the old ones, then give it the keys and indexes of its period; the number of rows. Changes since the beginning are in the log and come with core.catch_up.';
revoke all on function core.copy_into_leaf(bigint, regclass) from public;
