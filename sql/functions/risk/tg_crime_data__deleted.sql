create or replace function core.tg_crime_data__deleted() returns trigger
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
as $$
begin
    insert into core.crime_changes (sign, occurred_at, time_precision, category, geom)
    select -1, o.occurred_at, o.time_precision, o.category, o.geom from old_rows as o;
    return null;
end
$$;

comment on function core.tg_crime_data__deleted() is
'Keep the crimes that were deleted for the next core.refresh_risk().';
revoke all on function core.tg_crime_data__deleted() from public;
