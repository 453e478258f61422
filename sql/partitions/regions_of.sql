create or replace function core.regions_of(p_cells text[]) returns text[]
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select coalesce(array_agg(r.prefix order by r.prefix), '{}')
from core.regions as r
where exists (select from unnest(p_cells) as u (cell) where starts_with(u.cell, r.prefix))
$$;

comment on function core.regions_of(text[]) is 'The prefixes of core.regions that hold one of these cells.';
revoke all on function core.regions_of(text[]) from public;
