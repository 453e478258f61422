create or replace function ops.part_config()
returns table (parent regclass, premake integer, retention interval)
language sql stable parallel safe security definer
rows 2
set search_path = core, public, pg_temp
as $$
select c.parent_table::regclass, c.premake, c.retention::interval
from partman.part_config as c
inner join core.partition_sets as s on s.parent = c.parent_table::regclass
$$;

comment on function ops.part_config() is
'What pg_partman''s table says of our sets. Views read it here: pg_partman 5 drops the table of 4.7 when it is updated, which it could not if a view named it.';
revoke all on function ops.part_config() from public;
grant execute on function ops.part_config() to operator;
