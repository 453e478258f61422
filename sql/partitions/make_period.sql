create or replace function core.make_period(p_parent regclass, p_at timestamptz, p_prefixes text[] default '{}')
returns regclass
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
set lock_timeout = '5s'
as $$
declare
    v_unit text;
    v_lower timestamptz;
    v_schema text;
    v_base text;
    v_name text;
    v_period regclass;
begin
    select s.unit into strict v_unit from core.partition_sets as s where s.parent = p_parent;
    v_lower := date_trunc(v_unit, p_at);
    perform pg_advisory_xact_lock(p_parent::oid::integer, 0);
    select p.period into v_period from core.periods(p_parent) as p where p.lower_bound = v_lower;

    if v_period is null then
        select n.nspname, c.relname into v_schema, v_base
        from pg_catalog.pg_class as c inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where c.oid = p_parent;
        v_name := v_base || core.period_suffix(p_parent, v_lower);
        -- Complete before it is attached: an insert never meets a period without a default leaf.
        execute format(
            'create table %1$I.%2$I (like %1$I.%3$I including defaults including constraints including storage) partition by range (cell)',
            v_schema, v_name, v_base
        );
        execute format('create table %1$I.%2$I partition of %1$I.%3$I default', v_schema, v_name || '_default', v_name);
        v_period := format('%I.%I', v_schema, v_name)::regclass;
        perform core.add_leaf(v_period, u.prefix) from unnest(p_prefixes) as u (prefix);
        execute format(
            'alter table %s attach partition %s for values from (%L) to (%L)',
            p_parent, v_period, v_lower, v_lower + ('1 ' || v_unit)::interval
        );
        insert into core.known_periods as k (parent, lower_bound, upper_bound, period)
        values (p_parent, v_lower, v_lower + ('1 ' || v_unit)::interval, v_period)
        on conflict (parent, lower_bound) do update set period = excluded.period
        where not exists (select from pg_catalog.pg_class as c where c.oid = k.period);
    else
        perform core.add_leaf(v_period, u.prefix) from unnest(p_prefixes) as u (prefix);
    end if;
    return v_period;
end
$$;

comment on function core.make_period(regclass, timestamptz, text[]) is
'The period of a partition set that holds p_at, made under pg_partman''s name where it is missing, with a default leaf and a leaf for each prefix.';
revoke all on function core.make_period(regclass, timestamptz, text[]) from public;
