create or replace function core.attach_period(p_parent regclass, p_lower timestamptz, p_table regclass) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
as $$
declare
    v_upper timestamptz := coalesce(
        (select k.upper_bound from core.known_periods as k where k.parent = p_parent and k.period = p_table),
        (select p_lower + ('1 ' || s.unit)::interval from core.partition_sets as s where s.parent = p_parent)
    );
begin
    perform core.rename_period(p_table, core.period_name(p_parent, p_lower));
    execute format(
        'alter table %s attach partition %s for values from (%L) to (%L)', p_parent, p_table, p_lower, v_upper
    );
    execute format('alter table %s drop constraint if exists period_bounds', p_table);
    insert into core.known_periods as k (parent, lower_bound, upper_bound, period)
    values (p_parent, p_lower, v_upper, p_table)
    on conflict (parent, lower_bound) do update set period = excluded.period
    where not exists (select from pg_catalog.pg_class as c where c.oid = k.period);
end
$$;

comment on function core.attach_period(regclass, timestamptz, regclass) is
'Make a table that stands apart (of core.build_period, or detached) the period of its set that begins at p_lower, under the name such a period has.';
revoke all on function core.attach_period(regclass, timestamptz, regclass) from public;
