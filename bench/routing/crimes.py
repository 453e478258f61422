"""Made-up crimes, so that risk differs from street to street."""

import numpy as np
import psycopg

_STATEMENTS = (
    """
    insert into core.crime_categories (category, severity, offence_class, is_street_violence)
    values ('robbery', 7, 'robbery', true), ('theft', 2, 'property', false)
    on conflict do nothing
    """,
    """
    select core.make_period('core.crime_data', m, array(select prefix from core.regions))
    from generate_series(timestamptz '2014-01-01 UTC', '2014-12-01 UTC', '1 month') as m
    """,
    """
    insert into core.crime_data
        (source, source_id, occurred_at, cell, time_precision, category, published_category, geom)
    select 'made-up', n::text, timestamptz '2014-01-01 UTC' + hour * interval '1 hour',
        st_geohash(geom, 5), 'exact', category, category, geom
    from (select *, st_setsrid(st_point(lon, lat), 4326) as geom from made_up) as m
    """,
    """
    insert into core.crime_coverage (source, city_id, area, area_method, covered_period)
    select 'made-up', city_id, st_multi(walkable_bounds), 'given',
        '[2014-01-01 UTC, 2015-01-01 UTC)'
    from core.cities
    """,
    "select core.refresh_risk()",
)


def load_crimes(connection: psycopg.Connection, count: int, seed: int) -> None:
    """Put `count` crimes of 2014 on the streets of the only city, and refresh its risk.

    Four in five stand around 300 random vertices of random weight (Pareto), at distances of 50 to
    500 m (standard deviation, another for each); the rest around any vertex. 15 % are robberies.
    """
    random = np.random.default_rng(seed)
    query = "select st_x(geom), st_y(geom) from core.road_vertices order by vertex_id"
    vertices = np.array(connection.execute(query).fetchall())
    spots = random.choice(len(vertices), 300, replace=False)
    weights = random.pareto(1.0, len(spots)) + 0.1
    spot = random.choice(len(spots), count, p=weights / weights.sum())
    is_anywhere = random.random(count) < 0.2
    anywhere = random.integers(len(vertices), size=count)
    centres = vertices[np.where(is_anywhere, anywhere, spots[spot])]
    widths = np.where(is_anywhere, 20.0, random.uniform(50, 500, len(spots))[spot])
    metres = random.normal(size=(count, 2)) * widths[:, None]
    degree = 111_320 * np.column_stack([np.cos(np.radians(centres[:, 1])), np.ones(count)])
    hours = random.integers(365 * 24, size=count)
    is_robbery = random.random(count) < 0.15
    with connection.transaction():
        connection.execute(
            "create temporary table made_up (n integer, lon float8, lat float8, hour integer, "
            "category text) on commit drop"
        )
        with connection.cursor().copy("copy made_up from stdin") as copy:
            for n, (lon, lat) in enumerate((centres + metres / degree).tolist()):
                category = "robbery" if is_robbery[n] else "theft"
                copy.write_row((n, lon, lat, int(hours[n]), category))
        for statement in _STATEMENTS:
            connection.execute(statement)
    connection.execute("vacuum analyze core.road_links, core.road_edges, core.crime_data")
