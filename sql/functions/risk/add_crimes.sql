create or replace function core.add_crimes(p_city_id integer, p_change_ids bigint[]) returns bigint[]
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
set jit = off
set work_mem = '64MB'
set random_page_cost = 1.1
as $$
declare
    v_edge_ids bigint[];
begin
    -- random_page_cost: 100 crimes reach 3,000 of 170,000 cells; at 4 the planner reads them all, 50 ms of 130.
    with weighed as materialized (
        select * from core.weigh_crimes(p_city_id, p_change_ids)
    ),
    tallied as (
        update core.city_risk as r
        set added_weight = r.added_weight + (select coalesce(sum(abs(w.weight)), 0) from weighed as w)
        where r.city_id = p_city_id
    ),
    by_hour as (
        insert into core.hour_weights as h (city_id, is_street_violence, week_hour, crimes, weight, squared_weight)
        select p_city_id, w.is_street_violence, w.week_hour, sum(w.crimes), sum(w.weight), sum(w.crimes * w.weight ^ 2)
        from weighed as w
        group by w.is_street_violence, w.week_hour
        on conflict (city_id, is_street_violence, week_hour) do update set
            crimes = h.crimes + excluded.crimes,
            weight = h.weight + excluded.weight,
            squared_weight = h.squared_weight + excluded.squared_weight
    ),
    by_part as (
        insert into core.part_weights as p (
            city_id, neighbourhood, week_part, crimes, weight, squared_weight, added_weight
        )
        select
            p_city_id, coalesce(n.neighbourhood, 0), core.week_part(w.week_hour),
            sum(w.crimes), sum(w.weight), sum(w.crimes * w.weight ^ 2), sum(abs(w.weight))
        from weighed as w
        left join core.neighbourhoods as n on n.city_id = p_city_id and n.square = core.grid_cell(st_x(w.place), st_y(w.place), 1500)
        where w.is_street_violence
        group by 2, 3
        on conflict (city_id, neighbourhood, week_part) do update set
            crimes = p.crimes + excluded.crimes,
            weight = p.weight + excluded.weight,
            squared_weight = p.squared_weight + excluded.squared_weight,
            added_weight = p.added_weight + excluded.added_weight
    ),
    by_cell as (
        select
            core.grid_cell(st_x(w.place), st_y(w.place), 50) as cell,
            sum(w.weight) as all_weight,
            coalesce(sum(w.weight) filter (where w.is_street_violence), 0) as street_weight
        from weighed as w
        group by 1
    ),
    spread as (
        select
            c.cell + k.step as cell,
            sum(c.all_weight * k.share) as all_density,
            sum(c.street_weight * k.share) as street_density
        from by_cell as c cross join core.kernel() as k
        group by 1
    ),
    by_edge as (
        select
            s.edge_id,
            sum(s.share * d.all_density) as all_density,
            sum(s.share * d.street_density) as street_density
        from spread as d
        inner join core.cell_edges as c on c.city_id = p_city_id and c.cell = d.cell
        cross join lateral unnest(c.edge_ids, c.shares) as s (edge_id, share)
        group by 1
    ),
    changed as (
        update core.edge_risk as e
        set all_density = e.all_density + b.all_density, street_density = e.street_density + b.street_density
        from by_edge as b
        where e.edge_id = b.edge_id
        returning e.edge_id
    )
    select array_agg(c.edge_id) into v_edge_ids from changed as c;

    -- Exact counts tell an empty hour from the rounding error that subtraction leaves.
    delete from core.hour_weights as h where h.city_id = p_city_id and h.crimes = 0;
    delete from core.part_weights as p where p.city_id = p_city_id and p.crimes = 0;
    return coalesce(v_edge_ids, '{}');
end
$$;

comment on function core.add_crimes(integer, bigint[]) is
'Add the crimes of core.weigh_crimes to the sums of a city: by hour, by neighbourhood and part of the week, and spread by core.kernel over the edges in reach; the edges that changed.';
revoke all on function core.add_crimes(integer, bigint[]) from public;
