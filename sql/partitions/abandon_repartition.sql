create or replace function core.abandon_repartition(p_repartition_id bigint) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_repartition core.repartitions;
    v_leaf regclass;
begin
    select * into strict v_repartition from core.repartitions as r
    where r.repartition_id = p_repartition_id and r.state = 'copying';
    for v_leaf in
        select c.oid from unnest(v_repartition.old_leaves) as u (leaf) inner join pg_catalog.pg_class as c on c.oid = u.leaf
    loop
        execute format('drop trigger if exists _900_log_change on %s', v_leaf);
    end loop;
    for v_leaf in
        select c.conrelid from core.leaves(v_repartition.period) as l
        inner join pg_catalog.pg_constraint as c on c.conrelid = l.leaf
        where l.lower_cell is null and c.conname = 'repartition_guard'
    loop
        execute format('alter table %s drop constraint repartition_guard', v_leaf);
    end loop;
    execute format('drop function if exists core.repartition_%s_log()', p_repartition_id);
    execute format('drop table if exists core.repartition_%1$s, core.repartition_%1$s_log', p_repartition_id);
    update core.repartitions as r set state = 'abandoned', ended_at = clock_timestamp()
    where r.repartition_id = p_repartition_id;
end
$$;

comment on function core.abandon_repartition(bigint) is
'Undo a repartition that has not been swapped: the old leaves have never stopped being the set''s.';
revoke all on function core.abandon_repartition(bigint) from public;
