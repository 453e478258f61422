create or replace function core.grid_cell(p_x_m float8, p_y_m float8, p_size_m float8) returns bigint
language sql immutable strict parallel safe security invoker
as $$
-- Not 2^32: hashing a bigint folds its halves into each other, and grouping 1.3 million cells took 8 s instead of 0.6 s.
select floor(p_x_m / p_size_m)::bigint * 1048576 + floor(p_y_m / p_size_m)::bigint
$$;

comment on function core.grid_cell(float8, float8, float8) is
'The square of p_size_m metres that holds a place in metres (UTM): column * 2^20 + row, so that adding dx * 2^20 + dy steps to another. Inlined, so it has no search_path of its own.';
revoke all on function core.grid_cell(float8, float8, float8) from public;
