create or replace function core.sample_edges(p_city_id integer) returns void
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
set jit = off
set work_mem = '64MB'
as $$
declare
    v_city core.cities;
    -- Most edges then need no second write by core.refresh_coverage.
    v_is_covered boolean := exists (select from core.crime_coverage as c where c.city_id = p_city_id);
begin
    select c.* into strict v_city from core.cities as c where c.city_id = p_city_id;
    -- Rows of cities that are gone too: foreign keys would cost 2.5 s on 102,000 edges and their 171,000 cells.
    delete from core.cell_edges as c
    where c.city_id = p_city_id or not exists (select from core.cities as k where k.city_id = c.city_id);
    delete from core.edge_risk as r
    where r.city_id = p_city_id or not exists (select from core.cities as k where k.city_id = r.city_id);
    delete from core.neighbourhoods as n where n.city_id = p_city_id;

    with lines as materialized (
        select e.edge_id, st_transform(e.geom, v_city.utm_srid) as line, greatest(1, ceil(e.length_m / 25)) as points
        from core.road_edges as e
        where e.city_id = p_city_id
    ),
    shares as (
        select core.grid_cell(st_x(p.place), st_y(p.place), 50) as cell, l.edge_id, sum(1 / l.points) as share
        from lines as l
        cross join lateral generate_series(1, l.points::integer) as i
        -- offset 0: or the planner would find each point once for x and once for y.
        cross join lateral (
            select st_lineinterpolatepoint(l.line, (i - 0.5::float8) / l.points) as place offset 0
        ) as p
        group by cell, l.edge_id
    ),
    sampled as (
        insert into core.cell_edges (city_id, cell, edge_ids, shares)
        select p_city_id, s.cell, array_agg(s.edge_id), array_agg(s.share) from shares as s group by s.cell
    ),
    squares as materialized (
        select l.edge_id, core.grid_cell(st_x(p.place), st_y(p.place), 1500) as square
        from lines as l
        cross join lateral (select st_lineinterpolatepoint(l.line, 0.5) as place offset 0) as p
    ),
    numbered as (
        select s.square, row_number() over (order by s.square) as neighbourhood from squares as s group by s.square
    ),
    named as (
        insert into core.neighbourhoods (city_id, neighbourhood, square)
        select p_city_id, n.neighbourhood, n.square from numbered as n
    )
    insert into core.edge_risk (edge_id, city_id, neighbourhood, is_covered)
    select s.edge_id, p_city_id, n.neighbourhood, v_is_covered
    from squares as s inner join numbered as n on n.square = s.square;

    -- Without statistics on these rows the joins that follow in this transaction are planned as if there were none.
    analyze core.cell_edges, core.edge_risk;
end
$$;

comment on function core.sample_edges(integer) is
'Number the neighbourhoods of a city and sample its edges every 25 m: what its risk needs to know of the map, with all densities 0.';
revoke all on function core.sample_edges(integer) from public;
