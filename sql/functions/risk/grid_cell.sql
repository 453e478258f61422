create or replace function core.grid_cell(p_position geometry, p_size_m float8) returns bigint
language sql immutable strict parallel safe security invoker
as $$
select floor(public.st_x(p_position) / p_size_m)::bigint * 4294967296 + floor(public.st_y(p_position) / p_size_m)::bigint
$$;

comment on function core.grid_cell(geometry, float8) is
'The square of p_size_m metres that holds a point in metres (UTM): column * 2^32 + row, so that adding dx * 2^32 + dy steps to another. Inlined, so it has no search_path of its own.';
revoke all on function core.grid_cell(geometry, float8) from public;
