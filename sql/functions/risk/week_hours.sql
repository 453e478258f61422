create or replace function core.week_hours() returns table (week_hour smallint, week_part smallint, share float8)
language sql immutable parallel safe security invoker rows 48
as $$
select h::smallint, core.week_part(h)::smallint, case when h <= 24 then 5 else 2 end / 168.0::float8
from generate_series(1, 48) as h
$$;

comment on function core.week_hours() is
'The 48 core.week_hour values, the part of the week each lies in, and the share of the week each lasts (5 or 2 of 168 hours). Inlined, so it has no search_path of its own.';
revoke all on function core.week_hours() from public;
