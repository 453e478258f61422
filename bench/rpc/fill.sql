-- 5,000 crimes in the first half of 2026, spread over 4 km x 4 km around the middle of the city.
select core.make_period('core.crime_data', m, '{}')
from generate_series(timestamptz '2026-01-01', '2026-06-01', interval '1 month') as m;

insert into core.crime_data (
    source, source_id, occurred_at, cell, time_precision, category, published_category, geom
)
select
    'bench', n::text, '2026-01-01T00:00Z'::timestamptz + n * interval '50 minutes', st_geohash(p.geom, 5),
    'exact', c.category, c.category, p.geom
from generate_series(1, 5000) as n
cross join lateral (
    select st_setsrid(st_makepoint(
        -1.98 + ((n * 7919) % 4001 - 2000) / 69880.0, 51.22 + ((n * 104729) % 4001 - 2000) / 111260.0
    ), 4326) as geom
) as p
inner join (
    select category, row_number() over (order by category) as number, count(*) over () as total
    from core.crime_categories
) as c on c.number = n % c.total + 1;

insert into core.crime_coverage (source, city_id, area, area_method, covered_period)
select 'bench', city_id, st_multi(walkable_bounds), 'given', tstzrange('2026-01-01', '2026-07-01')
from core.cities;
