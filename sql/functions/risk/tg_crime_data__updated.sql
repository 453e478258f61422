create or replace function core.tg_crime_data__updated() returns trigger
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
as $$
begin
    insert into core.crime_changes (sign, occurred_at, time_precision, category, geom)
    select -1, o.occurred_at, o.time_precision, o.category, o.geom from old_rows as o
    union all
    select 1, n.occurred_at, n.time_precision, n.category, n.geom from new_rows as n;
    return null;
end
$$;

comment on function core.tg_crime_data__updated() is
'Keep both versions of the crimes that were updated, moves between partitions among them, for the next core.refresh_risk().';
revoke all on function core.tg_crime_data__updated() from public;
