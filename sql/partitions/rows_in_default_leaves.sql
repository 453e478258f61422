create or replace function ops.rows_in_default_leaves(p_parent regclass) returns bigint
language plpgsql stable strict security definer
set search_path = core, public, pg_temp
as $$
declare
    v_leaf regclass;
    v_counted bigint;
    v_total bigint := 0;
begin
    for v_leaf in
        select d.partdefid::regclass
        from core.partition_sets as s
        inner join pg_catalog.pg_inherits as i on i.inhparent = s.parent
        inner join pg_catalog.pg_partitioned_table as d on d.partrelid = i.inhrelid
        -- What somebody else has made cannot be read; ops.partition_health names it.
        where s.parent = p_parent and d.partdefid <> 0 and has_table_privilege(d.partdefid, 'select')
    loop
        execute format('select count(*) from (select from %s limit 1000) as t', v_leaf) into v_counted;
        v_total := v_total + v_counted;
    end loop;
    return v_total;
end
$$;

comment on function ops.rows_in_default_leaves(regclass) is
'How many rows of a partition set stand in default leaves, each counted to 1,000 at most. Counts only, so that operators need no right to read positions.';
revoke all on function ops.rows_in_default_leaves(regclass) from public;
grant execute on function ops.rows_in_default_leaves(regclass) to operator;
