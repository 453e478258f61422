create or replace function core.logical_key(p_parent regclass) returns text[]
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select coalesce(s.logical_key, (
    select array_agg(a.attname::text order by u.n)
    from pg_catalog.pg_index as i
    cross join lateral unnest(i.indkey::smallint[]) with ordinality as u (attnum, n)
    inner join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = u.attnum
    where i.indrelid = s.parent and i.indisprimary
))
from core.partition_sets as s
where s.parent = p_parent
$$;

comment on function core.logical_key(regclass) is
'The columns that no two rows of a partition set share: where the set states none, those of its primary key.';
revoke all on function core.logical_key(regclass) from public;
