create or replace function core.prefixes_in_use(p_parent regclass) returns text[]
language plpgsql stable strict security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
as $$
declare
    v_step interval;
    v_now timestamptz;
    v_newest timestamptz;
begin
    select ('1 ' || s.unit)::interval, date_trunc(s.unit, now()) into strict v_step, v_now
    from core.partition_sets as s where s.parent = p_parent;
    -- After a long time without maintenance, the last days that could be stored say which.
    select least(v_now, max(p.lower_bound)) into v_newest from core.periods(p_parent) as p;
    return core.regions_with_data(p_parent, v_newest - 7 * v_step, v_now + v_step);
end
$$;

comment on function core.prefixes_in_use(regclass) is
'The regions that a new period of a set gets leaves for: those with rows in the last seven periods. A leaf for each region would be too many: regions x periods grows fast.';
revoke all on function core.prefixes_in_use(regclass) from public;
