create or replace function core.repartition_differences(p_repartition_id bigint) returns bigint
language plpgsql stable strict security invoker
set search_path = core, public, pg_temp
set jit = off
as $$
declare
    v_parts record;
    v_differences bigint;
begin
    select * into v_parts from core.repartition_parts(p_repartition_id);
    -- One statement, so one moment: a change and its log entry are both seen or both not.
    execute format(
        'select count(*) from %1$s as o full join %2$s as n using (%3$s)
         where row(%4$s) is distinct from row(%5$s)
             and not exists (select from %6$s as l where (%7$s) = (%3$s))',
        v_parts.source, v_parts.staging, v_parts.key,
        (select string_agg('o.' || c, ', ') from unnest(string_to_array(v_parts.columns, ', ')) as c),
        (select string_agg('n.' || c, ', ') from unnest(string_to_array(v_parts.columns, ', ')) as c),
        v_parts.log,
        (select string_agg('l.' || c, ', ') from unnest(string_to_array(v_parts.key, ', ')) as c)
    ) into v_differences;
    return v_differences;
end
$$;

comment on function core.repartition_differences(bigint) is
'How many rows differ between the old and the new leaves although the log does not explain it: none, or the old leaves must stay.';
revoke all on function core.repartition_differences(bigint) from public;
