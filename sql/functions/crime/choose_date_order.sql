create or replace function core.choose_date_order(p_column integer) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
begin
    perform set_config('datestyle', case
        when not exists (
            select from core.crime_staging as s where s.fields[p_column] ~ '^\s*\d{1,2}[-/.](1[3-9]|[23]\d)[-/.]\d{4}'
        ) and exists (
            select from core.crime_staging as s where s.fields[p_column] ~ '^\s*(1[3-9]|[23]\d)[-/.]\d{1,2}[-/.]\d{4}'
        ) then 'ISO, DMY'
        else 'ISO, MDY'
    end, true);
end
$$;

comment on function core.choose_date_order(integer) is
'Read dates such as 3/2/2017 with the day first, until the end of the calling function, where some date of the staged file has no other meaning; else with the month first.';
revoke all on function core.choose_date_order(integer) from public;
