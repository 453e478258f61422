create or replace function core.is_swapped(p_quarantined core.point_quarantine) returns boolean
language plpgsql stable strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    p_quarantined.fixed := core.changed_point(
        p_quarantined, json_build_object(
            'lon', coalesce(p_quarantined.fixed, p_quarantined.point) -> 'lat',
            'lat', coalesce(p_quarantined.fixed, p_quarantined.point) -> 'lon'
        )
    );
    return core.recheck_point(p_quarantined, null) is null;
end
$$;

comment on function core.is_swapped(core.point_quarantine) is
'Whether a quarantined point would be plausible with its longitude and latitude exchanged. It has to be one that can be read.';
revoke all on function core.is_swapped(core.point_quarantine) from public;
