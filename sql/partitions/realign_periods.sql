create or replace function core.realign_periods(p_parent regclass) returns integer
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
as $$
declare
    v_unit text;
    v_step interval;
    v_odd regclass [];
    v_table regclass;
    v_prefixes text [];
begin
    select s.unit, ('1 ' || s.unit)::interval into strict v_unit, v_step
    from core.partition_sets as s where s.parent = p_parent;
    select array_agg(p.period) into v_odd
    from core.periods(p_parent) as p
    inner join pg_catalog.pg_class as c on c.oid = p.period
    where c.relkind = 'r'
        and (p.lower_bound <> date_trunc(v_unit, p.lower_bound) or p.upper_bound <> p.lower_bound + v_step);
    if v_odd is null then
        return 0;
    end if;
    perform core.note_periods(p_parent);
    v_prefixes := core.prefixes_in_use(p_parent);

    execute format('lock table %s in access exclusive mode', p_parent);
    foreach v_table in array v_odd loop
        execute format('alter table %s detach partition %s', p_parent, v_table);
        execute format('alter table %s rename to %I', v_table, 'odd_period_' || v_table::oid);
    end loop;
    perform core.make_period(p_parent, u.at, v_prefixes)
    from (
        select distinct g.at
        from core.known_periods as k,
            generate_series(date_trunc(v_unit, k.lower_bound), k.upper_bound - interval '1 microsecond', v_step) as g (at)
        where k.period = any(v_odd)
    ) as u;
    foreach v_table in array v_odd loop
        execute format('insert into %s select * from %s', p_parent, v_table);
        execute format('drop table %s', v_table);
    end loop;
    perform core.note_periods(p_parent);
    return cardinality(v_odd);
end
$$;

comment on function core.realign_periods(regclass) is
'Replace plain periods whose bounds are no whole days or months of UTC, as pg_partman makes them from a session in another time zone, and move their rows; how many. The set is locked while rows move.';
revoke all on function core.realign_periods(regclass) from public;
