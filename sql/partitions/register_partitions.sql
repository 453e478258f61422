create or replace function core.register_partitions(p_parent regclass) returns boolean
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
set client_min_messages = 'error'
as $$
declare
    v_set core.partition_sets;
    v_name text;
    v_is_version_5 boolean;
    v_arguments text;
    v_interval text;
begin
    select * into strict v_set from core.partition_sets where parent = p_parent;
    select format('%s.%s', n.nspname, c.relname) into v_name
    from pg_catalog.pg_class as c inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.oid = p_parent;
    if exists (select from partman.part_config where parent_table = v_name) then
        return false;
    end if;
    select split_part(extversion, '.', 1)::integer >= 5 into strict v_is_version_5
    from pg_catalog.pg_extension where extname = 'pg_partman';

    if v_is_version_5 then
        v_arguments := 'p_type := ''range'', p_interval := $3, p_premake := $4, p_default_table := false';
        v_interval := '1 ' || v_set.unit;
    else
        v_arguments := 'p_type := ''native'', p_interval := $3, p_premake := $4';
        v_interval := case v_set.unit when 'day' then 'daily' else 'monthly' end;
    end if;
    execute format('select partman.create_parent(p_parent_table := $1, p_control := $2, %s)', v_arguments)
    using v_name, v_set.control, v_interval, case v_set.unit when 'day' then 7 else 2 end;
    -- keep_table always true: a hand-run maintenance then detaches, and never drops rows without an archive.
    update partman.part_config set
        infinite_time_partitions = true,
        automatic_maintenance = 'off',
        retention_keep_table = true,
        retention = case v_set.unit when 'day' then '30 days' end
    where parent_table = v_name;
    return true;
end
$$;

comment on function core.register_partitions(regclass) is
'Register a partition set with pg_partman 4.7 or 5.x, after core.ensure_partitions has made its periods; false where it already is.';
revoke all on function core.register_partitions(regclass) from public;
