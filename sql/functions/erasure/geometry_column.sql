create or replace function core.geometry_column(p_table regclass) returns text
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select a.attname
from pg_catalog.pg_attribute as a
where a.attrelid = p_table and a.atttypid = 'geometry'::regtype and not a.attisdropped
order by a.attnum
limit 1
$$;

comment on function core.geometry_column(regclass) is 'The first geometry column of a table; null where it has none.';
revoke all on function core.geometry_column(regclass) from public;
