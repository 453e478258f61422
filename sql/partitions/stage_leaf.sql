create or replace function core.stage_leaf(p_repartition_id bigint, p_prefix text) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set role = 'saferoute_owner'
set timezone = 'UTC'
as $$
declare
    v_parts record;
    v_control text;
    v_lower timestamptz;
    v_upper timestamptz;
    v_schema text;
    v_name text;
    v_cells text;
begin
    select * into v_parts from core.repartition_parts(p_repartition_id);
    select s.control, p.lower_bound, p.upper_bound into strict v_control, v_lower, v_upper
    from core.repartitions as r
    inner join core.partition_sets as s on s.parent = r.parent
    cross join lateral core.periods(r.parent) as p
    where r.repartition_id = p_repartition_id and p.period = r.period;
    select n.nspname, c.relname || '_' || coalesce(nullif(p_prefix, ''), 'default_' || p_repartition_id)
    into v_schema, v_name
    from pg_catalog.pg_class as c inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.oid = v_parts.period;

    -- Equal to its bounds, so that ATTACH need not read it while it holds the period.
    if p_prefix <> '' then
        v_cells := format('cell >= %L and cell < %L', p_prefix, p_prefix || '~');
    else
        select
            'not (cell is not null and ('
            || string_agg(format('(cell >= %L and cell < %L)', l.lower_cell, l.upper_cell), ' or ' order by l.lower_cell)
            || '))'
        into v_cells
        from (
            select e.lower_cell, e.upper_cell from core.leaves(v_parts.period) as e
            inner join core.repartitions as r on r.repartition_id = p_repartition_id
            where e.leaf <> all(r.old_leaves) and e.lower_cell is not null
            union all
            select u.prefix, u.prefix || '~' from core.repartitions as r, unnest(r.prefixes) as u (prefix)
            where r.repartition_id = p_repartition_id
        ) as l (lower_cell, upper_cell);
    end if;
    execute format(
        'create table %I.%I (like %s including all excluding comments excluding indexes, constraint repartition_bounds check (%I >= %L and %4$I < %6$L and %7$s))',
        v_schema, v_name, v_parts.period, v_control, v_lower, v_upper, v_cells
    );
    execute format(
        'alter table %s attach partition %I.%I %s', v_parts.staging, v_schema, v_name,
        case when p_prefix = '' then 'default' else format('for values from (%L) to (%L)', p_prefix, p_prefix || '~') end
    );
end
$$;

comment on function core.stage_leaf(bigint, text) is
'Make a new leaf of a repartition, apart from the set: with every column and check of its period, and a check of its bounds; the default leaf where the prefix is empty.';
revoke all on function core.stage_leaf(bigint, text) from public;
