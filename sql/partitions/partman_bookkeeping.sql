create or replace function core.partman_bookkeeping(p_parent regclass) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
as $$
declare
    v_parent text;
    v_retention text;
    v_premake integer;
    v_attached timestamptz [];
begin
    select c.parent_table, c.retention, c.premake into strict v_parent, v_retention, v_premake
    from partman.part_config as c where c.parent_table::regclass = p_parent for update;
    select array_agg(p.lower_bound order by p.lower_bound) into v_attached
    from ops.partition_periods as p
    where p.parent = p_parent and p.is_due and p.state in ('attached', 'detaching');
    if v_attached is not null then
        raise exception using errcode = 'object_not_in_prerequisite_state',
        message = format('pg_partman is not run for %s: %s due periods still stand in it, the first of %s',
            p_parent, cardinality(v_attached), to_char(v_attached[1], 'YYYY-MM-DD')),
        hint = 'Retire them first; pg_partman would detach them under an ACCESS EXCLUSIVE lock on the whole set.';
    end if;
    -- A period that pg_partman makes has no leaves, and it makes one more than premake in the second half of each
    -- period, as it counts in rounded periods. And restored periods that are kept for a while are not due, but
    -- pg_partman knows nothing of them. So while it runs it finds nothing to make and no retention.
    perform core.premake(p_parent);
    update partman.part_config set retention = null, premake = 1 where parent_table = v_parent;
    perform partman.run_maintenance(p_parent_table := v_parent, p_analyze := false);
    update partman.part_config set retention = v_retention, premake = v_premake where parent_table = v_parent;
end
$$;

comment on function core.partman_bookkeeping(regclass) is
'Run pg_partman''s maintenance (4.7 or 5.x) for a set that core.premake and retirement have left it nothing to make or detach in; an error where something due is still attached.';
revoke all on function core.partman_bookkeeping(regclass) from public;
