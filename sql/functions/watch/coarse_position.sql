create or replace function core.coarse_position(p_position geometry, p_precision text) returns geometry
language sql immutable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select case
    when p_precision = 'exact' then p_position
    else (
        select st_setsrid(st_makepoint(
            round((round(st_x(p_position) / x.step) * x.step)::numeric, 6)::float8, round(y.lat::numeric, 6)::float8
        ), 4326)
        from (select case p_precision when 'street' then 100 else 1000 end / 111320.0 as step) as s
        cross join lateral (select round(st_y(p_position) / s.step) * s.step as lat) as y
        cross join lateral (select s.step / greatest(cos(radians(y.lat)), 0.01) as step) as x
    )
end
$$;

comment on function core.coarse_position(geometry, text) is
'A position (EPSG:4326) as a link of this precision shows it: exact; street: the nearest crossing of a grid of 100 m; area: of 1 km. The grid is fixed, so that many positions tell no more than one does.';
revoke all on function core.coarse_position(geometry, text) from public;
grant execute on function core.coarse_position(geometry, text) to saferoute_live;
