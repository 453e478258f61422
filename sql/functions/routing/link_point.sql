create or replace function core.link_point(p_edge_id bigint, p_fraction float8) returns point
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    return (
        select st_lineinterpolatepoint(st_transform(e.geom, c.utm_srid), p_fraction)::point
        from core.road_edges as e inner join core.cities as c on c.city_id = e.city_id
        where e.edge_id = p_edge_id
    );
end
$$;

comment on function core.link_point(bigint, float8) is
'The point at this fraction of an edge from its source, metres in the UTM zone of its city.';
revoke all on function core.link_point(bigint, float8) from public;
grant execute on function core.link_point(bigint, float8) to saferoute_api;
