create or replace function core.guard_default_leaf(p_repartition_id bigint) returns regclass
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_default regclass;
    v_condition text;
begin
    select
        l.leaf,
        string_agg(format('(cell < %L or cell >= %L)', u.prefix, u.prefix || '~'), ' and ' order by u.prefix)
    into v_default, v_condition
    from core.repartitions as r
    cross join lateral unnest(r.prefixes) as u (prefix)
    cross join lateral core.leaves(r.period) as l
    where r.repartition_id = p_repartition_id and not r.has_default and l.lower_cell is null
        and pg_catalog.pg_relation_size(l.leaf) > 0
    group by l.leaf;
    if v_default is not null then
        execute format('alter table %s add constraint repartition_guard check (%s) not valid', v_default, v_condition);
    end if;
    return v_default;
end
$$;

comment on function core.guard_default_leaf(bigint) is
'Let the default leaf, where it has rows and is not itself replaced, state that it holds none of the new leaves'': once validated, they are attached without reading it. The default leaf, or null where there is nothing to validate.';
revoke all on function core.guard_default_leaf(bigint) from public;
