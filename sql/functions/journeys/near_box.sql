create or replace function core.near_box(p_origin geometry, p_metres float8) returns box
language plpgsql immutable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_box geometry := core.expand_metres(p_origin, p_metres);
    v_is_cut boolean := st_xmin(v_box) < -180 or st_xmax(v_box) > 180;
begin
    return box(
        point(case when v_is_cut then -180 else st_xmin(v_box) end, greatest(st_ymin(v_box), -90)),
        point(case when v_is_cut then 180 else st_xmax(v_box) end, least(st_ymax(v_box), 90))
    );
end
$$;

comment on function core.near_box(geometry, float8) is
'Longitudes and latitudes (degrees) within p_metres of a position, on the Earth: every longitude where the date line is that near.';
revoke all on function core.near_box(geometry, float8) from public;
grant execute on function core.near_box(geometry, float8) to saferoute_api;
