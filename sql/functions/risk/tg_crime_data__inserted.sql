create or replace function core.tg_crime_data__inserted() returns trigger
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
as $$
begin
    insert into core.crime_changes (sign, occurred_at, time_precision, category, geom)
    select 1, n.occurred_at, n.time_precision, n.category, n.geom from new_rows as n;
    return null;
end
$$;

comment on function core.tg_crime_data__inserted() is
'Keep the crimes that were inserted for the next core.refresh_risk().';
revoke all on function core.tg_crime_data__inserted() from public;
