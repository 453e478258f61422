"""Load an OSM file as the streets of a city: `saferoute import osm`."""

import hashlib
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import psycopg
import tzfpy
from psycopg.rows import class_row
from rich.progress import Progress
from typer import Argument, Option

from common.settings import settings
from ops.errors import OperatorError
from ops.progress import print_summary, progress
from ops.regions import fill_after_import
from ops.streets import Floats, Streets, cut, read

IDS_PER_CITY = 10**9
LINE, POINT = 2, 1  # types of geometry in WKB
MOST_DEGREES = 6  # one UTM zone: what is wider is not a city, and its metres would be wrong


@dataclass(frozen=True)
class City:
    """A row of core.cities, as far as an import looks at it."""

    city_id: int
    time_zone: str
    osm_digest: str | None


@dataclass(frozen=True)
class Loaded:
    """What an import of streets has done."""

    city_id: int | None
    time_zone: str
    edges: int
    vertices: int
    unchanged: bool
    ways_read: int
    rejected: Counter[str]


def import_osm(
    file: Annotated[Path, Argument(exists=True, dir_okay=False, help="An OSM extract, PBF.")],
    city: Annotated[str, Option(help="The name of the city; the same name again replaces it.")],
    time_zone: Annotated[
        str | None, Option(help="Such as Europe/Lisbon; found from the place where not given.")
    ] = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Read and judge; load nothing.")] = False,
) -> None:
    """Load the streets of a city from an OSM file."""
    loaded = load(settings().owner_conninfo, file, city, time_zone, dry_run=dry_run)
    if not dry_run:
        fill_after_import()
    verb = "unchanged" if loaded.unchanged else "to load" if dry_run else "loaded"
    print_summary(
        f"{city}, {loaded.time_zone}",
        {
            "ways read": loaded.ways_read,
            f"edges {verb}": loaded.edges,
            f"vertices {verb}": loaded.vertices,
        },
        loaded.rejected,
    )


def load(
    conninfo: str, path: Path, name: str, time_zone: str | None = None, *, dry_run: bool = False
) -> Loaded:
    """Make the file's walkable network the streets of the city, in one transaction.

    The same file again changes nothing; any failure leaves the database as it was. Imports wait
    for each other. `conninfo` is the owner's.
    """
    if not name.strip():
        raise OperatorError("a city needs a name")
    if time_zone is not None:
        _check_time_zone(time_zone)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with progress() as bars:
        reading = bars.add_task("Reading ways", total=None)
        streets = cut(read(path, lambda ways: bars.update(reading, completed=ways)))
        west, south, east, north = bounds = _bounds(streets)
        centre = ((west + east) / 2, (south + north) / 2)
        with psycopg.connect(conninfo) as connection:
            connection.execute("select pg_advisory_xact_lock(hashtext('saferoute import'))")
            city = _find(connection, name)
            known_zone = city.time_zone if city else None
            zone = time_zone or known_zone or tzfpy.get_tz(*centre)
            unchanged = city is not None and (city.osm_digest, known_zone) == (digest, zone)
            city_id = city.city_id if city else None
            if not unchanged and not dry_run:
                city_id = _save(connection, name, zone, centre, bounds, digest)
                _replace(connection, city_id, streets, bars)
    return Loaded(
        city_id=city_id,
        time_zone=zone,
        edges=len(streets.first),
        vertices=len(streets.vertices),
        unchanged=unchanged,
        ways_read=streets.ways_read,
        rejected=streets.rejected,
    )


def _check_time_zone(time_zone: str) -> None:
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise OperatorError(f"{time_zone} is not an IANA time zone") from None


def _bounds(streets: Streets) -> tuple[float, float, float, float]:
    """West, south, east, north of the edges, degrees."""
    used = np.zeros(len(streets.lonlat) + 1, np.int64)
    np.add.at(used, streets.first, 1)
    np.add.at(used, streets.last + 1, -1)
    walked = streets.lonlat[np.cumsum(used)[:-1] > 0]
    (west, south), (east, north) = walked.min(axis=0).tolist(), walked.max(axis=0).tolist()
    if east - west > MOST_DEGREES or north - south > MOST_DEGREES:
        raise OperatorError(f"the streets span more than {MOST_DEGREES} degrees: not one city")
    return west, south, east, north


def utm_srid(lon: float, lat: float) -> int:
    """EPSG code of the UTM zone (WGS 84) of a place in degrees."""
    return (32600 if lat >= 0 else 32700) + min(60, int((lon + 180) // 6) + 1)


def _find(connection: psycopg.Connection, name: str) -> City | None:
    with connection.cursor(row_factory=class_row(City)) as cursor:
        query = "select city_id, time_zone, osm_digest from core.cities where name = %s"
        return cursor.execute(query, [name]).fetchone()


def _save(
    connection: psycopg.Connection,
    name: str,
    time_zone: str,
    centre: tuple[float, float],
    bounds: tuple[float, float, float, float],
    digest: str,
) -> int:
    """Insert or update the city's row; its id."""
    query = """
        insert into core.cities (name, time_zone, utm_srid, walkable_bounds, osm_digest)
        values (%s, %s, %s, st_makeenvelope(%s, %s, %s, %s, 4326), %s)
        on conflict (name) do update set
            time_zone = excluded.time_zone, utm_srid = excluded.utm_srid,
            walkable_bounds = excluded.walkable_bounds, osm_digest = excluded.osm_digest,
            imported_at = now()
        returning city_id
    """
    values = [name, time_zone, utm_srid(*centre), *bounds, digest]
    row = connection.execute(query, values).fetchone()
    assert row is not None
    return int(row[0])


def _replace(
    connection: psycopg.Connection, city_id: int, streets: Streets, bars: Progress
) -> None:
    """Put the network in the place of the city's streets, then regions, statistics and risk."""
    for table in ("road_links", "road_edges", "road_vertices"):
        connection.execute(f"delete from core.{table} where city_id = %s", [city_id])  # noqa: S608
    _copy_vertices(connection, city_id, streets)
    _copy_edges(connection, city_id, streets, bars)
    connection.execute("analyze core.road_vertices, core.road_edges")
    connection.execute(
        """
        insert into core.road_links (edge_id, city_id, source, target, walkable_direction,
            length_m, bounds, source_at, target_at)
        select e.edge_id, e.city_id, e.source, e.target, e.walkable_direction, e.length_m,
            box(st_transform(e.geom, c.utm_srid)), point(s.x_m, s.y_m), point(t.x_m, t.y_m)
        from core.road_edges as e
        inner join core.cities as c using (city_id)
        inner join core.road_vertices as s on s.vertex_id = e.source
        inner join core.road_vertices as t on t.vertex_id = e.target
        where e.city_id = %s and e.is_connected
        order by e.edge_id
        """,
        [city_id],
    )
    connection.execute("analyze core.road_links")
    working = bars.add_task("Regions and risk", total=None)
    connection.execute("select core.add_city_regions(%s)", [city_id])
    connection.execute("select core.refresh_risk()")
    bars.remove_task(working)


def _copy_vertices(connection: psycopg.Connection, city_id: int, streets: Streets) -> None:
    connection.execute(
        "create temporary table incoming_vertices (vertex_id bigint, geom geometry) on commit drop"
    )
    with (
        connection.cursor() as cursor,
        cursor.copy("copy incoming_vertices (vertex_id, geom) from stdin") as copy,
    ):
        for number, place in enumerate(streets.vertices, start=city_id * IDS_PER_CITY + 1):
            copy.write_row((number, _ewkb(POINT, place)))
    connection.execute(
        """
        insert into core.road_vertices (vertex_id, city_id, geom, x_m, y_m)
        select i.vertex_id, c.city_id, i.geom, st_x(m.place), st_y(m.place)
        from incoming_vertices as i
        inner join core.cities as c on c.city_id = %s
        cross join lateral (select st_transform(i.geom, c.utm_srid) offset 0) as m (place)
        """,
        [city_id],
    )


def _copy_edges(
    connection: psycopg.Connection, city_id: int, streets: Streets, bars: Progress
) -> None:
    statement = """
        copy core.road_edges (edge_id, city_id, osm_way_id, source, target, highway, name, is_lit,
            walkable_direction, length_m, is_connected, geom) from stdin
    """
    loading = bars.add_task("Loading edges", total=len(streets.first))
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for number, row in enumerate(edge_rows(city_id, streets), start=1):
            copy.write_row(row)
            if number % 1000 == 0:
                bars.update(loading, completed=number)
    bars.remove_task(loading)


def edge_rows(city_id: int, streets: Streets) -> Iterator[tuple[object, ...]]:
    """The rows of core.road_edges, in the order of its columns."""
    base = city_id * IDS_PER_CITY + 1
    columns = zip(
        streets.way.tolist(),
        streets.first.tolist(),
        streets.last.tolist(),
        (streets.source + base).tolist(),
        (streets.target + base).tolist(),
        streets.length_m.tolist(),
        streets.is_connected.tolist(),
        strict=True,
    )
    for edge_id, column in enumerate(columns, start=base):
        way_index, first, last, source, target, length_m, is_connected = column
        way = streets.ways[way_index]
        geom = _ewkb(LINE, streets.lonlat[first : last + 1])
        yield (
            *(edge_id, city_id, way.osm_way_id, source, target, way.highway, way.name, way.is_lit),
            *(way.direction, length_m, is_connected, geom),
        )


def _ewkb(kind: int, lonlat: Floats) -> str:
    """Extended well-known binary of a point or line in EPSG:4326, as hexadecimal text."""
    has_srid = 0x20000000
    header = struct.pack("<BII", 1, kind | has_srid, 4326)
    size = b"" if kind == POINT else struct.pack("<I", len(lonlat))
    return (header + size + lonlat.tobytes()).hex()
