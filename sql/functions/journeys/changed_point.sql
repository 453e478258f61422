create or replace function core.changed_point(p_quarantined core.point_quarantine, p_changes json) returns json
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_point json := coalesce(p_quarantined.fixed, p_quarantined.point);
begin
    -- What is no object, or holds what json -> cannot pass over, has no values to keep.
    if json_typeof(v_point) <> 'object' or v_point::text like '%\\u0000%' then
        v_point := '{}';
    end if;
    return (
        select coalesce(json_object_agg(k.name, coalesce(p_changes -> k.name, v_point -> k.name) order by k.nth), '{}')
        from unnest(array['recorded_at', 'lon', 'lat', 'speed_mps', 'accuracy_m', 'battery_pct']) with ordinality as k (name, nth)
        where coalesce(json_typeof(coalesce(p_changes -> k.name, v_point -> k.name)), 'null') <> 'null'
    );
end
$$;

comment on function core.changed_point(core.point_quarantine, json) is
'A quarantined point, as it came or as it was fixed, with the values of p_changes in place of its own; a value of null takes one away.';
revoke all on function core.changed_point(core.point_quarantine, json) from public;
