create or replace function core.metric_srid(p_position geometry) returns integer
language sql immutable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select case when st_y(p_position) < 0 then 32700 else 32600 end
    + least(floor((st_x(p_position) + 180) / 6)::integer, 59) + 1
$$;

comment on function core.metric_srid(geometry) is
'EPSG code of the UTM zone (WGS 84) of a position: metres are true to 0.1 % in it and a zone further.';
revoke all on function core.metric_srid(geometry) from public;
grant execute on function core.metric_srid(geometry) to saferoute_api;
