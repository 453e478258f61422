create or replace function core.build_period(
    p_parent regclass, p_lower timestamptz, p_name text, p_prefixes text[]
) returns regclass
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set role = 'saferoute_owner'
set timezone = 'UTC'
as $$
declare
    v_set core.partition_sets;
    v_schema text;
    v_base text;
    v_period regclass;
    v_foreign_key record;
begin
    select * into strict v_set from core.partition_sets where parent = p_parent;
    select n.nspname, c.relname into v_schema, v_base
    from pg_catalog.pg_class as c inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.oid = p_parent;
    -- With its keys and bounds from the start: to attach it, full, reads nothing and builds nothing.
    execute format(
        'create table %1$I.%2$I (
            like %1$I.%3$I including defaults including constraints including storage including indexes,
            constraint period_bounds check (%4$I >= %5$L and %4$I < %6$L)
        ) partition by range (cell)',
        v_schema, p_name, v_base, v_set.control, p_lower, p_lower + ('1 ' || v_set.unit)::interval
    );
    v_period := format('%I.%I', v_schema, p_name)::regclass;
    for v_foreign_key in
        select k.conname, pg_catalog.pg_get_constraintdef(k.oid) as definition
        from pg_catalog.pg_constraint as k where k.conrelid = p_parent and k.contype = 'f'
    loop
        execute format('alter table %s add constraint %I %s', v_period, v_foreign_key.conname, v_foreign_key.definition);
    end loop;
    execute format('create table %1$I.%2$I partition of %1$I.%3$I default', v_schema, p_name || '_default', p_name);
    perform core.add_leaf(v_period, u.prefix) from unnest(p_prefixes) as u (prefix);
    return v_period;
end
$$;

comment on function core.build_period(regclass, timestamptz, text, text[]) is
'A table with the structure of a period, a default leaf and a leaf for each prefix, apart from its set: core.attach_period makes it part of it.';
revoke all on function core.build_period(regclass, timestamptz, text, text[]) from public;
