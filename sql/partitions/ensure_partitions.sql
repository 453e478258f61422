create or replace function core.ensure_partitions() returns integer
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
as $$
declare
    v_set record;
    v_step interval;
    v_now timestamptz;
    v_at timestamptz;
    v_prefixes text [];
    v_made integer := 0;
begin
    for v_set in
        select
            s.parent, s.unit, s.keep_behind,
            coalesce(c.premake, case s.unit when 'day' then 7 else 2 end) as premake
        from core.partition_sets as s
        left join partman.part_config as c on c.parent_table::regclass = s.parent
    loop
        v_step := ('1 ' || v_set.unit)::interval;
        v_now := date_trunc(v_set.unit, now());
        v_prefixes := null;
        for v_at in
            select g from generate_series(v_now - v_set.keep_behind * v_step, v_now + v_set.premake * v_step, v_step) as g
            where not exists (select from core.periods(v_set.parent) as p where p.lower_bound = g)
        loop
            -- A new period gets leaves only for regions that are in use: regions x periods grows fast.
            v_prefixes := coalesce(v_prefixes, core.regions_with_data(v_set.parent, v_now - 7 * v_step, v_now + v_step));
            perform core.make_period(v_set.parent, v_at, v_prefixes);
            v_made := v_made + 1;
        end loop;
    end loop;
    return v_made;
end
$$;

comment on function core.ensure_partitions() is
'Make the missing periods of every partition set, from keep_behind before now to part_config.premake ahead; how many were made. Run it at least daily.';
revoke all on function core.ensure_partitions() from public;
