create or replace function core.period_suffix(p_parent regclass, p_lower timestamptz) returns text
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
as $$
select '_p' || to_char(p_lower, coalesce(c.datetime_string, case
    when split_part(e.extversion, '.', 1)::integer >= 5 then 'YYYYMMDD'
    when s.unit = 'day' then 'YYYY_MM_DD'
    else 'YYYY_MM'
end))
from core.partition_sets as s
cross join pg_catalog.pg_extension as e
left join partman.part_config as c on c.parent_table::regclass = s.parent
where s.parent = p_parent and e.extname = 'pg_partman'
$$;

comment on function core.period_suffix(regclass, timestamptz) is
'What pg_partman appends to a parent''s name for the period that begins at p_lower: as the set is registered (4.7 and 5.x differ, and a set keeps its pattern when 4.7 becomes 5), otherwise as the installed version would register it.';
revoke all on function core.period_suffix(regclass, timestamptz) from public;
