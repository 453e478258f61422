create or replace function core.crime_import_summary(p_city core.cities) returns jsonb
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select jsonb_build_object(
    'read', count(*) filter (where c.action <> 'removed'),
    'loaded', count(*) filter (where c.action = 'loaded'),
    'replaced', count(*) filter (where c.action = 'replaced'),
    'unchanged', count(*) filter (where c.action = 'unchanged'),
    'removed', count(*) filter (where c.action = 'removed'),
    'rejected', (
        select coalesce(jsonb_object_agg(r.reason, r.rows), '{}')
        from (select x.reason, count(*) as rows from core.crime_candidates as x where x.action = 'rejected' group by x.reason) as r
    ),
    'outside_the_streets', count(*) filter (where not c.geom && (p_city).walkable_bounds and c.action <> 'rejected'),
    'unknown_categories', (
        select coalesce(jsonb_object_agg(u.published_category, u.rows), '{}')
        from (
            select x.published_category, count(*) as rows
            from core.crime_candidates as x
            where x.action in ('loaded', 'replaced', 'unchanged')
                and not exists (select from core.crime_category_names as n where n.published_name = lower(x.published_category))
            group by x.published_category
        ) as u
    ),
    'coverage', (
        select coalesce(jsonb_agg(jsonb_build_object(
            'source', v.source,
            'square_km', round((st_area(v.area::geography) / 1e6)::numeric, 1),
            'since', (lower(v.covered_period) at time zone (p_city).time_zone)::date,
            'until', ((upper(v.covered_period) - interval '1 second') at time zone (p_city).time_zone)::date
        ) order by v.source), '[]')
        from core.crime_coverage as v
        where v.city_id = (p_city).city_id
            and exists (select from core.crime_candidates as x where x.source = v.source and x.action <> 'rejected')
    )
)
from core.crime_candidates as c
$$;

comment on function core.crime_import_summary(core.cities) is
'What the import does with the file: rows by action, rejected rows by reason, rows outside the walkable bounds, unknown categories, and what each source now covers.';
revoke all on function core.crime_import_summary(core.cities) from public;
