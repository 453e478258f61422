create or replace view analytics.crimes_by_cell_month as
select
    m.month,
    c.city,
    c.cell,
    c.category,
    c.crimes,
    c.geom::geometry (polygon, 4326) as geom
from analytics.crime_months() as m (month)
cross join lateral analytics.crimes_of_month(m.month) as c;
comment on view analytics.crimes_by_cell_month is 'Reported crimes by place, month and category. Groups of fewer than analytics.smallest_group() (5) are left out, so sums over categories, cells or months are lower bounds, and a group that is missing is not zero. A condition on month reads only the partitions of those months; every other condition is applied to what these months hold.';
comment on column analytics.crimes_by_cell_month.month is 'First day of the month, on the calendar of the city that the source reports for.';
comment on column analytics.crimes_by_cell_month.city is 'The imported city whose streets reach into the cell, the smallest where there are several; null elsewhere.';
comment on column analytics.crimes_by_cell_month.cell is 'Geohash of five characters: 4.9 km from north to south, and less than that from west to east away from the equator.';
comment on column analytics.crimes_by_cell_month.category is 'One of core.crime_categories, the same for all publishers.';
comment on column analytics.crimes_by_cell_month.crimes is 'How many were reported, by all sources together; at least 5.';
comment on column analytics.crimes_by_cell_month.geom is 'The cell as a rectangle, EPSG:4326.';
grant select on analytics.crimes_by_cell_month to analyst;
