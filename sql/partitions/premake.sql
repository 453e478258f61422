create or replace function core.premake(p_parent regclass) returns integer
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
as $$
declare
    v_set record;
    v_step interval;
    v_now timestamptz;
    v_at timestamptz;
    v_prefixes text [];
    v_name text;
    v_made integer := 0;
begin
    select
        s.unit, s.keep_behind, c.retention::interval as retention,
        -- Two at least: with one, pg_partman's rounding would have it make a second.
        greatest(coalesce(c.premake, case s.unit when 'day' then 7 else 2 end), 2) as premake
    into strict v_set
    from core.partition_sets as s
    left join partman.part_config as c on c.parent_table::regclass = s.parent
    where s.parent = p_parent;
    select format('%I.%I', n.nspname, c.relname) into v_name
    from pg_catalog.pg_class as c inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.oid = p_parent;
    -- Two runs at once take turns, and the second finds nothing to do.
    perform pg_advisory_xact_lock(p_parent::oid::integer, 0);
    perform core.note_periods(p_parent);

    v_step := ('1 ' || v_set.unit)::interval;
    v_now := date_trunc(v_set.unit, now());
    for v_at in
        select g.at
        from generate_series(v_now - v_set.keep_behind * v_step, v_now + v_set.premake * v_step, v_step) as g (at)
        -- Past its retention it would only be made to be retired.
        where coalesce(g.at + v_step > now() - v_set.retention, true)
            -- One that stands outside the set, or only in an archive, is restored and not begun anew beside its rows.
            and not exists (
                select from core.known_periods as k
                where k.parent = p_parent and k.lower_bound < g.at + v_step and k.upper_bound > g.at
            )
            and not exists (
                select from core.partition_archives as a
                where a.parent = p_parent and a.lower_bound = g.at and a.superseded_by is null
                    and a.dropped_at is not null
            )
    loop
        -- The name of a missing period may be taken: pg_partman names them by the clock of the session. Adoption sorts
        -- that out; until then this one stays missing, which ops.partition_health shows, and the others are made.
        if to_regclass(v_name || core.period_suffix(p_parent, v_at)) is null then
            v_prefixes := coalesce(v_prefixes, core.prefixes_in_use(p_parent));
            perform core.make_period(p_parent, v_at, v_prefixes);
            v_made := v_made + 1;
        end if;
    end loop;
    return v_made;
end
$$;

comment on function core.premake(regclass) is
'Make the missing periods of a partition set, from keep_behind before now (but none that is past part_config.retention) to part_config.premake ahead, and bring core.known_periods up to date; how many were made.';
revoke all on function core.premake(regclass) from public;
