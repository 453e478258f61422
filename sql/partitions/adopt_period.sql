create or replace function core.adopt_period(p_parent regclass, p_plain regclass) returns regclass
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set role = 'saferoute_owner'
set timezone = 'UTC'
as $$
declare
    v_set core.partition_sets;
    v_lower timestamptz;
    v_upper timestamptz;
    v_schema text;
    v_base text;
    v_name text;
    v_period regclass;
    v_is_empty boolean;
    v_has_row boolean;
begin
    select * into strict v_set from core.partition_sets as s where s.parent = p_parent;
    select p.lower_bound, p.upper_bound into strict v_lower, v_upper
    from core.periods(p_parent) as p where p.period = p_plain;
    select n.nspname, c.relname into v_schema, v_base
    from pg_catalog.pg_class as c inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.oid = p_parent;
    v_name := v_base || core.period_suffix(p_parent, v_lower);

    -- Everything that takes time comes before the lock. A table with rows begins as the only leaf: rows of a region
    -- are moved out of it later, as out of every default leaf.
    execute format(
        'create table %1$I.%2$I (like %1$I.%3$I including defaults including constraints including storage) partition by range (cell)',
        v_schema, v_name, v_base
    );
    v_period := format('%I.%I', v_schema, v_name)::regclass;
    execute format('select not exists (select from %s)', p_plain) into v_is_empty;
    if v_is_empty then
        perform core.add_leaf(v_period, u.prefix) from unnest(core.prefixes_in_use(p_parent)) as u (prefix);
    end if;

    -- The set before its leaf, in the order of inserts: the other way round we would deadlock with them.
    execute format('lock table %s in access exclusive mode', p_parent);
    execute format('select exists (select from %s)', p_plain) into v_has_row;
    if v_is_empty and v_has_row then
        raise exception using errcode = 'lock_not_available',
        message = format('%s got its first row while it was adopted', p_plain), hint = 'Try again.';
    end if;
    execute format('alter table %s detach partition %s', p_parent, p_plain);
    execute format('alter table %s attach partition %s default', v_period, p_plain);
    execute format('alter table %s attach partition %s for values from (%L) to (%L)', p_parent, v_period, v_lower, v_upper);
    execute format('alter table %s drop constraint if exists adoption', p_plain);
    perform core.note_periods(p_parent);
    return v_period;
end
$$;

comment on function core.adopt_period(regclass, regclass) is
'Put a period with leaves in the place of a plain one, which becomes its default leaf with all its rows; after core.prepare_adoption. Takes ACCESS EXCLUSIVE on the set for milliseconds, so call it with a short lock_timeout.';
revoke all on function core.adopt_period(regclass, regclass) from public;
