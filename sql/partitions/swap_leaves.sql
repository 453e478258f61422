create or replace function core.swap_leaves(p_repartition_id bigint) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_repartition core.repartitions;
    v_parts record;
    v_default record;
    v_old regclass;
    v_new record;
begin
    select * into strict v_repartition from core.repartitions as r
    where r.repartition_id = p_repartition_id and r.state = 'copying';
    select * into v_parts from core.repartition_parts(p_repartition_id);
    select l.leaf, c.relname into v_default
    from core.leaves(v_parts.period) as l inner join pg_catalog.pg_class as c on c.oid = l.leaf
    where l.lower_cell is null;

    -- The period and not only its leaves: an insert holds it from before it looks its leaf up, so none is on its way.
    execute format('lock table only %s in access exclusive mode', v_parts.period);
    foreach v_old in array v_repartition.old_leaves loop
        execute format('lock table %s in access exclusive mode', v_old);
    end loop;
    while core.catch_up(p_repartition_id) > 0 loop
    end loop;

    foreach v_old in array v_repartition.old_leaves loop
        execute format('drop table %s', v_old);
    end loop;
    -- The default leaf last: what is attached beside it would have it read.
    for v_new in select * from core.leaves(v_parts.staging::regclass) loop
        execute format('alter table %s detach partition %s', v_parts.staging, v_new.leaf);
        if v_new.lower_cell is null then
            execute format('alter table %s rename to %I', v_new.leaf, v_default.relname);
            execute format('alter table %s attach partition %s default', v_parts.period, v_new.leaf);
        else
            execute format(
                'alter table %s attach partition %s for values from (%L) to (%L)',
                v_parts.period, v_new.leaf, v_new.lower_cell, v_new.upper_cell
            );
        end if;
    end loop;
    if not v_repartition.has_default then
        execute format('alter table %s drop constraint if exists repartition_guard', v_default.leaf);
    end if;
    execute format('drop function %s()', v_parts.log);
    execute format('drop table %s, %s', v_parts.staging, v_parts.log);
    update core.repartitions as r set state = 'done', ended_at = clock_timestamp()
    where r.repartition_id = p_repartition_id;
end
$$;

comment on function core.swap_leaves(bigint) is
'End a repartition whose rows have been copied and compared: bring in the last changes, put the new leaves into the set and drop the old ones. Whoever reads or writes the period waits meanwhile, some milliseconds.';
revoke all on function core.swap_leaves(bigint) from public;
