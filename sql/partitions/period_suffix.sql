create or replace function core.period_suffix(p_unit text, p_lower timestamptz) returns text
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
as $$
select '_p' || to_char(p_lower, case
    when split_part(e.extversion, '.', 1)::integer >= 5 then 'YYYYMMDD'
    when p_unit = 'day' then 'YYYY_MM_DD'
    else 'YYYY_MM'
end)
from pg_catalog.pg_extension as e
where e.extname = 'pg_partman'
$$;

comment on function core.period_suffix(text, timestamptz) is
'What the installed pg_partman (4.7 or 5.x) appends to the parent''s name for the period of this length that begins at p_lower.';
revoke all on function core.period_suffix(text, timestamptz) from public;
