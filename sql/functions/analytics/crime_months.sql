create or replace function analytics.crime_months() returns setof date
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
rows 100
as $$
-- A city's month begins up to 14 hours before or after the one of UTC, which bounds the periods.
select distinct (p.lower_bound at time zone 'UTC' + n * interval '1 month')::date
from core.periods('core.crime_data') as p
cross join generate_series(-1, 1) as n
$$;

comment on function analytics.crime_months() is
'The first day of every month that crimes may be known of: from the catalogue, without reading a crime.';
revoke all on function analytics.crime_months() from public;
grant execute on function analytics.crime_months() to analyst;
