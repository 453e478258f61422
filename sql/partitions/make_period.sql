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
    v_period regclass;
begin
    select s.unit into strict v_unit from core.partition_sets as s where s.parent = p_parent;
    v_lower := date_trunc(v_unit, p_at);
    perform pg_advisory_xact_lock(p_parent::oid::integer, 0);
    select p.period into v_period from core.periods(p_parent) as p where p.lower_bound = v_lower;

    if v_period is null then
        -- Complete before it is attached: an insert never meets a period without a default leaf.
        v_period := core.build_period(p_parent, v_lower, core.period_name(p_parent, v_lower), p_prefixes);
        perform core.attach_period(p_parent, v_lower, v_period);
    else
        perform core.add_leaf(v_period, u.prefix) from unnest(p_prefixes) as u (prefix);
    end if;
    return v_period;
end
$$;

comment on function core.make_period(regclass, timestamptz, text[]) is
'The period of a partition set that holds p_at, made under pg_partman''s name where it is missing, with a default leaf and a leaf for each prefix.';
revoke all on function core.make_period(regclass, timestamptz, text[]) from public;
