"""A hand-made city: a lattice of streets in Washington, its categories, and crimes by rows."""

from collections.abc import Sequence
from datetime import datetime

import psycopg

WEST, SOUTH, STEP = -77.05, 38.90, 0.004
SIDE = 8  # streets each way: about 2.8 x 3.1 km, nine neighbourhoods
ZONE = "America/New_York"
CATEGORIES = [("small assault", 8, "violence", True), ("small theft", 2, "property", False)]

Row = tuple[str, datetime, str, str, float, float]  # id, at, precision, category, lon, lat


def build(connection: psycopg.Connection) -> int:
    """Make the city, with full coverage; its id."""
    north, east = SOUTH + STEP * (SIDE - 1), WEST + STEP * (SIDE - 1)
    row = connection.execute(
        "insert into core.cities (name, time_zone, utm_srid, walkable_bounds)"
        " values ('Small', %s, 32618, st_makeenvelope(%s, %s, %s, %s, 4326)) returning city_id",
        [ZONE, WEST, SOUTH, east, north],
    ).fetchone()
    assert row is not None
    edges = [
        (x, y, x + dx, y + dy)
        for x in range(SIDE)
        for y in range(SIDE)
        for dx, dy in ((1, 0), (0, 1))
        if x + dx < SIDE and y + dy < SIDE
    ]
    for number, (x1, y1, x2, y2) in enumerate(edges, start=1):
        line = [WEST + STEP * x1, SOUTH + STEP * y1, WEST + STEP * x2, SOUTH + STEP * y2]
        connection.execute(
            """
            insert into core.road_edges (edge_id, city_id, osm_way_id, source, target, highway,
                walkable_direction, length_m, is_connected, geom)
            select %s, %s, 1, %s, %s, 'footway', 0, st_length(g::geography), true, g
            from st_setsrid(st_makeline(st_point(%s, %s), st_point(%s, %s)), 4326) as g
            """,
            [number, row[0], 10 * x1 + y1, 10 * x2 + y2, *line],
        )
    connection.execute(
        """
        insert into core.road_links (edge_id, city_id, source, target, walkable_direction,
            length_m, bounds, source_at, target_at)
        select e.edge_id, e.city_id, e.source, e.target, 0, e.length_m, box(u),
            point(st_startpoint(u)), point(st_endpoint(u))
        from core.road_edges as e, st_transform(e.geom, 32618) as u
        """
    )
    connection.cursor().executemany(
        "insert into core.crime_categories values (%s, %s, %s, %s) on conflict do nothing",
        CATEGORIES,
    )
    cover(connection, row[0])
    return int(row[0])


def cover(connection: psycopg.Connection, city_id: int, share: float = 1) -> None:
    """Say that a source reports on the western `share` of the city."""
    connection.execute(
        """
        insert into core.crime_coverage (source, city_id, area, area_method, covered_period)
        select 'small', %s, st_multi(st_makeenvelope(%s, 38, %s, 40, 4326)), 'given',
            '[2012-01-01, 2018-01-01)'
        on conflict (source, city_id) do update set area = excluded.area
        """,
        [city_id, WEST - 0.01, WEST + 0.001 + STEP * (SIDE - 1) * share],
    )


def commit_crimes(connection: psycopg.Connection, rows: Sequence[Row]) -> None:
    """Insert crimes in one statement, and the months they need."""
    for at in {row[1].replace(day=15) for row in rows}:
        connection.execute("select core.make_period('core.crime_data', %s)", [at])
    identifiers, times, precisions, categories, lons, lats = map(list, zip(*rows, strict=True))
    connection.execute(
        """
        insert into core.crime_data (source, source_id, occurred_at, cell, time_precision,
            category, published_category, geom)
        select 'small', r.id, r.at, st_geohash(p, 5), r.precision, r.category, r.category, p
        from unnest(%s::text[], %s::timestamptz[], %s::text[], %s::text[], %s::float8[],
            %s::float8[]) as r (id, at, precision, category, lon, lat),
            lateral st_setsrid(st_point(r.lon, r.lat), 4326) as p
        """,
        [identifiers, times, precisions, categories, lons, lats],
    )
