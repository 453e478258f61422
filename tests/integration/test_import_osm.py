"""`saferoute import osm`: real cities, the same file again, a corrected file, broken files."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from pytest_postgresql import factories

from ops import osm
from ops.errors import OperatorError
from tests.command import owners_environment, saferoute
from tests.conftest import conninfo
from tests.shared import shared
from tests.small_map import FOOTWAY, write_map

monaco_db = factories.postgresql("monaco")
washington_db = factories.postgresql("washington")

CROSSROADS = [([0, 10, 20], FOOTWAY), ([10, 11], FOOTWAY)]
STREETS = ("cities", "road_vertices", "road_edges", "road_links", "regions")


def scalar(connection: psycopg.Connection, query: str) -> object:
    connection.rollback()
    return connection.execute(query).fetchone()[0]


def contents(connection: psycopg.Connection) -> dict[str, list[tuple]]:
    """Every row of the street tables, with its row version."""
    connection.rollback()
    return {
        table: connection.execute(f"select xmin, * from core.{table} order by 2").fetchall()
        for table in STREETS
    }


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return write_map(tmp_path / "small.osm.pbf", CROSSROADS)


def test_monaco(monaco_db: psycopg.Connection) -> None:
    city = "select time_zone, utm_srid, osm_digest is not null from core.cities"
    assert monaco_db.execute(city).fetchall() == [("Europe/Monaco", 32632, True)]
    assert 3_900 < scalar(monaco_db, "select count(*) from core.road_edges") < 4_200
    assert scalar(monaco_db, "select avg(is_connected::int) > 0.97 from core.road_edges")
    assert scalar(monaco_db, "select bool_and(prefix = 'spv2') from core.regions")


def test_washington(washington_db: psycopg.Connection) -> None:
    city = "select time_zone, utm_srid from core.cities"
    assert washington_db.execute(city).fetchall() == [("America/New_York", 32618)]
    assert 19_300 < scalar(washington_db, "select count(*) from core.road_edges") < 20_000
    assert scalar(washington_db, "select avg(is_connected::int) > 0.96 from core.road_edges")


@pytest.mark.parametrize("city", ["monaco_db", "washington_db"])
def test_what_every_city_keeps(city: str, request: pytest.FixtureRequest) -> None:
    db = request.getfixturevalue(city)
    rules = {
        "lengths are metres on the spheroid": """
            select max(abs(length_m / st_length(geom::geography) - 1)) < 1e-6
            from core.road_edges""",
        "edges join the places of their vertices": """
            select bool_and(st_startpoint(e.geom) = s.geom and st_endpoint(e.geom) = t.geom)
            from core.road_edges as e
            join core.road_vertices as s on s.vertex_id = e.source
            join core.road_vertices as t on t.vertex_id = e.target""",
        "no edge is a loop": "select bool_and(source <> target) from core.road_edges",
        "ids stand in the range of the city": """
            select bool_and(edge_id / 1000000000 = city_id) from core.road_edges""",
        "links are the connected edges": """
            select bool_and(is_connected = (l.edge_id is not null))
            from core.road_edges left join core.road_links as l using (edge_id)""",
        "metres are those of the zone": """
            select max(abs(x_m - st_x(st_transform(geom, utm_srid)))) < 0.001
            from core.road_vertices join core.cities using (city_id)""",
        "both ends of a link stand on its bounds": """
            select bool_and(l.bounds @> l.source_at and l.bounds @> l.target_at)
            from core.road_links as l""",
        "the connected edges are one component": """
            select count(distinct component) = 1 from pgr_connectedcomponents(
                'select edge_id as id, source, target, length_m as cost, length_m as reverse_cost
                 from core.road_links')""",
        "the bounds of the city hold its streets": """
            select bool_and(st_covers(walkable_bounds, geom))
            from core.road_edges join core.cities using (city_id)""",
    }
    for rule, query in rules.items():
        assert scalar(db, query) is True, rule


def test_the_same_file_again_changes_nothing(db: psycopg.Connection, small: Path) -> None:
    first = osm.load(conninfo(db), small, "Small")
    before = contents(db)
    second = osm.load(conninfo(db), small, "Small")
    assert (first.unchanged, second.unchanged) == (False, True)
    assert second.city_id == first.city_id
    assert contents(db) == before


def test_a_corrected_file_replaces_the_streets(db: psycopg.Connection, tmp_path: Path) -> None:
    path = write_map(tmp_path / "map.pbf", CROSSROADS)
    osm.load(conninfo(db), path, "Small", "Asia/Tokyo")
    osm.load(conninfo(db), write_map(tmp_path / "other.pbf", CROSSROADS, north=48.8), "Other")
    write_map(path, [([0, 10, 20], FOOTWAY), ([10, 12], {"highway": "steps", "name": "Up"})])
    osm.load(conninfo(db), path, "Small")
    query = """
        select c.time_zone, array_agg(e.highway order by e.highway), count(l.*)
        from core.cities as c join core.road_edges as e using (city_id)
        left join core.road_links as l using (edge_id)
        where c.name = %s group by 1
    """
    small = db.execute(query, ["Small"]).fetchone()
    assert small == ("Asia/Tokyo", ["footway", "footway", "steps"], 3)
    assert db.execute(query, ["Other"]).fetchone() == ("Europe/Paris", ["footway"] * 3, 3)


def test_an_island_has_edges_and_no_links(db: psycopg.Connection, tmp_path: Path) -> None:
    path = write_map(tmp_path / "map.pbf", [*CROSSROADS, ([40, 41], FOOTWAY)])
    osm.load(conninfo(db), path, "Small")
    query = "select osm_way_id, is_connected from core.road_edges order by 1, edge_id"
    assert db.execute(query).fetchall() == [(1, True), (1, True), (2, True), (3, False)]
    assert scalar(db, "select count(*) from core.road_links") == 3


def test_a_failure_leaves_the_database_as_it_was(db: psycopg.Connection, tmp_path: Path) -> None:
    path = write_map(tmp_path / "map.pbf", CROSSROADS)
    osm.load(conninfo(db), path, "Small")
    before = contents(db)
    write_map(path, [([0, 10], {"highway": "steps"})])
    db.execute("alter table core.road_links add check (length_m < 10) not valid")
    db.commit()
    with pytest.raises(psycopg.errors.CheckViolation):
        osm.load(conninfo(db), path, "Small")
    assert contents(db) == before


def test_two_imports_at_once_load_once(db: psycopg.Connection, small: Path) -> None:
    with ThreadPoolExecutor(2) as threads:
        loads = list(threads.map(lambda _: osm.load(conninfo(db), small, "Small"), range(2)))
    assert sorted(load.unchanged for load in loads) == [False, True]
    assert scalar(db, "select count(*) from core.road_edges") == 3


def test_a_dry_run_loads_nothing(db: psycopg.Connection, small: Path) -> None:
    loaded = osm.load(conninfo(db), small, "Small", dry_run=True)
    assert (loaded.edges, loaded.city_id, loaded.time_zone) == (3, None, "Europe/Paris")
    assert contents(db) == {table: [] for table in STREETS}


def test_the_streets_of_a_deleted_city_go_with_it(db: psycopg.Connection, small: Path) -> None:
    osm.load(conninfo(db), small, "Small")
    db.execute("delete from core.cities")
    for table in ("road_vertices", "road_edges", "road_links"):
        assert db.execute(f"select count(*) from core.{table}").fetchone() == (0,)


@pytest.mark.parametrize(
    ("lon", "lat", "srid"),
    [(7.4, 43.7, 32632), (-8.6, 41.1, 32629), (151.2, -33.9, 32756), (180.0, 65.0, 32660)],
)
def test_utm_zones(lon: float, lat: float, srid: int) -> None:
    assert osm.utm_srid(lon, lat) == srid


def test_a_country_is_no_city(db: psycopg.Connection, tmp_path: Path) -> None:
    path = write_map(tmp_path / "map.pbf", [([0, 70000], FOOTWAY)])
    with pytest.raises(OperatorError, match="degrees"):
        osm.load(conninfo(db), path, "Wide")


def test_the_command(db: psycopg.Connection, tmp_path: Path) -> None:
    """Imports as the owner, who is no superuser; a broken file is one line and exit code 2."""
    environment = owners_environment(db)
    small = write_map(tmp_path / "small.pbf", [*CROSSROADS, ([0, 1], {"highway": "motorway"})])
    done = saferoute("import", "osm", small, "--city", "Small", **environment)
    assert done.returncode == 0, done.stderr
    for line in ("ways read", "edges loaded", "not a kind of way for walkers"):
        assert line in done.stdout
    before = contents(db)
    cut = tmp_path / "cut.pbf"
    cut.write_bytes(small.read_bytes()[:-20])
    for arguments, reason in (
        ([cut, "--city", "Small"], "not a whole OSM PBF"),
        ([small, "--city", "Small", "--time-zone", "Mars/Base"], "not an IANA time zone"),
        ([small, "--city", " "], "needs a name"),
    ):
        failed = saferoute("import", "osm", *arguments, **environment)
        assert failed.returncode == 2
        assert reason in failed.stderr
        assert len(failed.stderr.splitlines()) == 1
    assert contents(db) == before


def test_a_real_file_cut_in_the_middle_changes_nothing(
    db: psycopg.Connection, tmp_path: Path
) -> None:
    whole = shared("data/osm/monaco.osm.pbf").read_bytes()
    cut = tmp_path / "monaco.osm.pbf"
    cut.write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(OperatorError, match="not a whole OSM PBF"):
        osm.load(conninfo(db), cut, "Monaco")
    assert contents(db) == {table: [] for table in STREETS}
