create or replace function core.kernel() returns table (step bigint, share float8)
language sql immutable parallel safe security invoker rows 37
as $$
select
    dx * 1048576 + dy,
    (1 - (dx * dx + dy * dy) * 2500 / 30625::float8) ^ 2
    / sum((1 - (dx * dx + dy * dy) * 2500 / 30625::float8) ^ 2) over ()
from generate_series(-3, 3) as dx, generate_series(-3, 3) as dy
where (dx * dx + dy * dy) * 2500 < 30625
$$;

comment on function core.kernel() is
'Quartic (biweight) kernel of 175 m on 50 m cells: step from a crime''s core.grid_cell to each cell within reach and the share of its weight that lands there; 1 in all. Inlined, so it has no search_path of its own.';
revoke all on function core.kernel() from public;
