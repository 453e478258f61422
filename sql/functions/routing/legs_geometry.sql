create or replace function core.legs_geometry(p_legs core.leg[]) returns json
language sql immutable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select st_asgeojson(st_removerepeatedpoints(st_makeline(l.geom order by l.leg)), 6)::json from unnest(p_legs) as l
$$;

comment on function core.legs_geometry(core.leg[]) is 'The line of consecutive legs as GeoJSON, degrees to 6 decimals (0.1 m).';
revoke all on function core.legs_geometry(core.leg[]) from public;
grant execute on function core.legs_geometry(core.leg[]) to saferoute_api;
