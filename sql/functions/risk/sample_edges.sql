create or replace function core.sample_edges(p_city_id integer) returns void
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
set jit = off
set work_mem = '64MB'
as $$
declare
    v_srid integer;
begin
    select c.utm_srid into strict v_srid from core.cities as c where c.city_id = p_city_id;
    -- Cells of cities that are gone too: a foreign key would cost 1.5 s for 170,000 cells.
    delete from core.cell_edges as c
    where c.city_id = p_city_id or not exists (select from core.cities as k where k.city_id = c.city_id);
    delete from core.edge_risk as r where r.city_id = p_city_id;
    delete from core.neighbourhoods as n where n.city_id = p_city_id;

    -- Materialized: the planner would transform a line anew for each coordinate of each of its points.
    insert into core.cell_edges (city_id, cell, edge_ids, shares)
    with lines as materialized (
        select e.edge_id, st_transform(e.geom, v_srid) as line, greatest(1, ceil(e.length_m / 25)) as points
        from core.road_edges as e
        where e.city_id = p_city_id
    ),
    points as materialized (
        select l.edge_id, 1 / l.points as share, st_lineinterpolatepoint(l.line, (i - 0.5::float8) / l.points) as place
        from lines as l
        cross join lateral generate_series(1, l.points::integer) as i
    )
    select p_city_id, s.cell, array_agg(s.edge_id), array_agg(s.share)
    from (
        select core.grid_cell(st_x(p.place), st_y(p.place), 50) as cell, p.edge_id, sum(p.share) as share
        from points as p
        group by cell, p.edge_id
    ) as s
    group by s.cell;

    with middles as materialized (
        select e.edge_id, st_transform(st_lineinterpolatepoint(e.geom, 0.5), v_srid) as place
        from core.road_edges as e
        where e.city_id = p_city_id
    ),
    squares as materialized (
        select m.edge_id, core.grid_cell(st_x(m.place), st_y(m.place), 1500) as square from middles as m
    ),
    numbered as (
        select m.square, row_number() over (order by m.square) as neighbourhood
        from squares as m
        group by m.square
    ),
    named as (
        insert into core.neighbourhoods (city_id, neighbourhood, square)
        select p_city_id, n.neighbourhood, n.square from numbered as n
    )
    insert into core.edge_risk (edge_id, city_id, neighbourhood)
    select m.edge_id, p_city_id, n.neighbourhood
    from squares as m inner join numbered as n on n.square = m.square;

    -- Without statistics on these rows the joins that follow in this transaction are planned as if there were none.
    analyze core.cell_edges, core.edge_risk;
end
$$;

comment on function core.sample_edges(integer) is
'Number the neighbourhoods of a city and sample its edges every 25 m: what its risk needs to know of the map, with all densities 0.';
revoke all on function core.sample_edges(integer) from public;
