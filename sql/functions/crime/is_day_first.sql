create or replace function core.is_day_first(p_column integer) returns boolean
language sql stable strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
select not exists (
    select from core.crime_staging as s where s.fields[p_column] ~ '^\s*\d{1,2}[-/.](1[3-9]|[23]\d)[-/.]\d{4}'
) and exists (
    select from core.crime_staging as s where s.fields[p_column] ~ '^\s*(1[3-9]|[23]\d)[-/.]\d{1,2}[-/.]\d{4}'
)
$$;

comment on function core.is_day_first(integer) is
'Whether dates such as 3/2/2017 in this column of the staged file have the day first: where some date has no other meaning, and none the contrary.';
revoke all on function core.is_day_first(integer) from public;
