create or replace function core.catch_up(p_repartition_id bigint, p_limit integer default 10000, p_alone boolean default false)
returns bigint
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set jit = off
-- Few keys against large tables, some of them without statistics: always by index.
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
as $$
declare
    v_parts record;
    v_marks tid [];
    v_leaf regclass;
begin
    select * into v_parts from core.repartition_parts(p_repartition_id);
    if p_alone then
        for v_leaf in
            select u.leaf from core.repartitions as r, unnest(r.old_leaves) as u (leaf) where r.repartition_id = p_repartition_id
        loop
            execute format('lock table %s in share row exclusive mode', v_leaf);
        end loop;
    end if;
    -- Log rows are never updated, so a ctid names one until this transaction has deleted it. An identity column would
    -- cost every writer more than its key does.
    execute format('select array(select l.ctid from %s as l limit $1)', v_parts.log) into v_marks using p_limit;
    if v_marks = '{}' then
        return 0;
    end if;
    -- What the row is now counts, not what happened to it: so order does not matter, and twice is as good as once.
    -- Read through the period, which finds the leaf of a key; a union of 32 leaves looks each key up 32 times.
    execute format(
        'delete from %s as t using %s as l where l.ctid = any ($1) and %s', v_parts.staging, v_parts.log, v_parts.key_matches
    ) using v_marks;
    execute format(
        'insert into %1$s (%2$s) select %7$s from (select distinct %3$s from %4$s where ctid = any ($1)) as l inner join %5$s as t on %6$s',
        v_parts.staging, v_parts.columns, v_parts.key, v_parts.log, v_parts.period, v_parts.key_matches,
        (select string_agg('t.' || c, ', ') from unnest(string_to_array(v_parts.columns, ', ')) as c)
    ) using v_marks;
    execute format('delete from %s where ctid = any ($1)', v_parts.log) using v_marks;
    return cardinality(v_marks);
end
$$;

comment on function core.catch_up(bigint, integer, boolean) is
'Bring up to p_limit logged changes of the old leaves into the new ones; how many log entries that were. Writers of the old leaves wait meanwhile where p_alone.';
revoke all on function core.catch_up(bigint, integer, boolean) from public;
