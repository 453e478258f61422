create or replace function core.regions_with_data(p_parent regclass, p_since timestamptz, p_until timestamptz)
returns text[]
language plpgsql stable strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_control text;
    v_region core.regions;
    v_found boolean;
    v_prefixes text [] := '{}';
begin
    select s.control into strict v_control from core.partition_sets as s where s.parent = p_parent;
    for v_region in select * from core.regions order by prefix loop
        execute format(
            'select exists (select from %s where %2$I >= $1 and %2$I < $2 and cell >= $3 and cell < $4)',
            p_parent, v_control
        ) into v_found using p_since, p_until, v_region.prefix, v_region.prefix || '~';
        if v_found then
            v_prefixes := v_prefixes || v_region.prefix;
        end if;
    end loop;
    return v_prefixes;
end
$$;

comment on function core.regions_with_data(regclass, timestamptz, timestamptz) is
'The prefixes of core.regions that have rows of a partition set in [p_since, p_until).';
revoke all on function core.regions_with_data(regclass, timestamptz, timestamptz) from public;
