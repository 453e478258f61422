create or replace function core.choose_date_order(p_column integer) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_first integer;
    v_second integer;
begin
    select
        max(substring(s.fields[p_column] from '^\s*(\d{1,2})[-/.]\d{1,2}[-/.]\d{4}')::integer),
        max(substring(s.fields[p_column] from '^\s*\d{1,2}[-/.](\d{1,2})[-/.]\d{4}')::integer)
    into v_first, v_second
    from core.crime_staging as s;
    perform set_config('datestyle', case when v_first > 12 and v_second <= 12 then 'ISO, DMY' else 'ISO, MDY' end, true);
end
$$;

comment on function core.choose_date_order(integer) is
'Read dates such as 3/2/2017 with the day first, until the end of the calling function, where some date of the staged file has no other meaning; else with the month first.';
revoke all on function core.choose_date_order(integer) from public;
