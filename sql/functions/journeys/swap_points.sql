create or replace function core.swap_points(p_reason text) returns bigint
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_fixed bigint;
begin
    update core.point_quarantine as q set fixed = core.changed_point(q, json_build_object(
        'lon', coalesce(q.fixed, q.point) -> 'lat', 'lat', coalesce(q.fixed, q.point) -> 'lon'
    ))
    where q.reason = p_reason
        and case when core.recheck_point(q, null) in ('far', 'position') then core.is_swapped(q) end;
    get diagnostics v_fixed = row_count;
    return v_fixed;
end
$$;

comment on function core.swap_points(text) is
'Exchange longitude and latitude of the points quarantined for p_reason that are plausible so, and only so; how many were fixed.';
revoke all on function core.swap_points(text) from public;
