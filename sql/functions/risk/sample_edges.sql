create or replace function core.sample_edges(p_city_id integer) returns void
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
set jit = off
as $$
declare
    v_srid integer;
begin
    select c.utm_srid into strict v_srid from core.cities as c where c.city_id = p_city_id;
    delete from core.edge_samples as s where s.city_id = p_city_id;
    delete from core.edge_risk as r where r.city_id = p_city_id;
    delete from core.neighbourhoods as n where n.city_id = p_city_id;

    insert into core.edge_samples (city_id, cell, edge_id, share)
    with points as (
        select e.edge_id, 1 / n.points::float8 as share, st_lineinterpolatepoint(e.line, (i - 0.5) / n.points) as position
        from (
            select r.edge_id, r.length_m, st_transform(r.geom, v_srid) as line
            from core.road_edges as r
            where r.city_id = p_city_id
        ) as e
        cross join lateral (select greatest(1, ceil(e.length_m / 25))::integer as points) as n
        cross join lateral generate_series(1, n.points) as i
    )
    select p_city_id, core.grid_cell(p.position, 50) as cell, p.edge_id, sum(p.share)
    from points as p
    group by p.edge_id, cell;

    with middles as materialized (
        select e.edge_id, core.grid_cell(st_lineinterpolatepoint(st_transform(e.geom, v_srid), 0.5), 1500) as square
        from core.road_edges as e
        where e.city_id = p_city_id
    ),
    numbered as (
        select m.square, row_number() over (order by m.square) as neighbourhood
        from middles as m
        group by m.square
    ),
    named as (
        insert into core.neighbourhoods (city_id, neighbourhood, square)
        select p_city_id, n.neighbourhood, n.square from numbered as n
    )
    insert into core.edge_risk (edge_id, city_id, neighbourhood)
    select m.edge_id, p_city_id, n.neighbourhood
    from middles as m inner join numbered as n on n.square = m.square;

    -- Without statistics on these rows the joins that follow in this transaction are planned as if there were none.
    analyze core.edge_samples, core.edge_risk;
end
$$;

comment on function core.sample_edges(integer) is
'Number the neighbourhoods of a city and sample its edges every 25 m: what its risk needs to know of the map, with all densities 0.';
revoke all on function core.sample_edges(integer) from public;
