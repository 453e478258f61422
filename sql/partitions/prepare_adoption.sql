create or replace function core.prepare_adoption(p_parent regclass, p_plain regclass) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
as $$
declare
    v_control text;
    v_lower timestamptz;
    v_upper timestamptz;
    v_name text;
begin
    select s.control into strict v_control from core.partition_sets as s where s.parent = p_parent;
    select p.lower_bound, p.upper_bound into strict v_lower, v_upper
    from core.periods(p_parent) as p where p.period = p_plain;
    select c.relname || core.period_suffix(p_parent, v_lower) || '_default' into v_name
    from pg_catalog.pg_class as c where c.oid = p_parent;

    if exists (select from pg_catalog.pg_class as c where c.oid = p_plain and c.relname <> v_name) then
        execute format('alter table %s rename to %I', p_plain, v_name);
    end if;
    if not exists (select from pg_catalog.pg_constraint as c where c.conrelid = p_plain and c.conname = 'adoption') then
        execute format(
            'alter table %1$s add constraint adoption check (%2$I >= %3$L and %2$I < %4$L) not valid',
            p_plain, v_control, v_lower, v_upper
        );
    end if;
end
$$;

comment on function core.prepare_adoption(regclass, regclass) is
'Name a plain period as the default leaf it will be, whatever pg_partman called it, and add the constraint that spares core.adopt_period a scan under lock once it is validated.';
revoke all on function core.prepare_adoption(regclass, regclass) from public;
