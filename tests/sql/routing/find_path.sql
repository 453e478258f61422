-- The walk of least cost on streets where it is known.
begin;
select plan(13);

select tests.add_streets();

-- Street and metres of each leg from one street (number, fraction) to another.
create function pg_temp.walk(
    p_from integer, p_from_fraction float8, p_to integer, p_to_fraction float8, p_aversion float8
) returns text
language sql stable
as $$
select string_agg(format('%s %s', e.edge_id % 1000000000, round((e.length_m * (u.t - u.f))::numeric)), ', ' order by u.i)
from core.cities as c
cross join lateral core.find_path(
    c.city_id, c.city_id * 1000000000::bigint + p_from, p_from_fraction,
    c.city_id * 1000000000::bigint + p_to, p_to_fraction, '2020-06-01', p_aversion) as p
cross join lateral unnest(p.edge_ids, p.from_fractions, p.to_fractions) with ordinality as u (edge_id, f, t, i)
inner join core.road_edges as e on e.edge_id = u.edge_id
$$;

select is(pg_temp.walk(1, 0.25, 3, 0.5, 0), '1 150, 2 200, 3 100', 'straight on, with a part of the first and the last street');
select is(pg_temp.walk(3, 0.5, 1, 0.25, 0), '3 -100, 2 -200, 1 -150', 'the same backwards');
select is(pg_temp.walk(1, 0.25, 3, 0.5, 0.9), '1 150, 2 200, 3 100', '200 m of risk 1 cost 380 at aversion 0.9: less than the 400 around them');
select is(pg_temp.walk(1, 0.25, 3, 0.5, 1.1), '1 150, 4 100, 5 200, 6 100, 3 100', '420 at aversion 1.1: more');
select is(pg_temp.walk(3, 1, 4, 1, 3), '7 -224, 5 -200', 'the short cut against the direction it was drawn in');
select is(pg_temp.walk(4, 1, 3, 1, 3), '5 200, 6 100, 3 200', 'and never the wrong way');
select is(pg_temp.walk(2, 0.2, 2, 0.7, 0), '2 100', 'within one street');
select is(pg_temp.walk(2, 0.7, 2, 0.2, 0), '2 -100', 'and back');
select is(
    pg_temp.walk(7, 0.2, 7, 0.7, 0), '7 -45, 6 100, 3 200, 7 -67',
    'on the same street, but against its only direction: around the block'
);
select is(pg_temp.walk(9, 0.2, 9, 0.7, 0), '9 150', 'along a one-way street');
select is(pg_temp.walk(9, 0.7, 9, 0.2, 0), null, 'nobody gets back in');
select is(pg_temp.walk(1, 0, 3, 1, 0), '1 200, 2 200, 3 200', 'from corner to corner: no piece of no length');

select results_eq(
    $$
    select round((p.cost - e.length_m * 1.5)::numeric, 6), p.proven_optimal
    from core.cities as c
    inner join core.road_edges as e on e.edge_id = c.city_id * 1000000000::bigint + 2
    cross join lateral core.find_path(c.city_id, e.edge_id, 0, e.edge_id, 1, '2020-06-01', 0.5) as p
    $$,
    $$values (0::numeric, true)$$,
    'cost is length * (1 + aversion * risk)'
);

select * from finish();
rollback;
