begin;
select plan(4);

select results_eq(
    $$select count(*)::integer, round(sum(share)::numeric, 12) from core.kernel()$$, $$values (37, 1.000000000000)$$,
    'all weight of a crime lands on the 37 cells within 175 m'
);
select is(
    round((
        select max(share) / min(share) from core.kernel()
    )::numeric, 6), round((((1 - 0) / (1 - 10 * 2500 / 30625.0)) ^ 2)::numeric, 6),
    'quartic: (1 - d^2 / 175^2)^2'
);
select is(
    core.grid_cell(500025, 4300026, 50) + (
        select k.step from core.kernel() as k
        order by k.step desc
        limit 1
    ),
    core.grid_cell(500025 + 150, 4300026 + 50, 50),
    'a step leads to the cell three columns east and one row north'
);
select isnt(core.grid_cell(100, 0, 50), core.grid_cell(50, 50 * 1000000, 50), 'cells do not run into each other');

select * from finish();
rollback;
