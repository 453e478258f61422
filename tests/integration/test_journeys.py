"""Real walks and traces through the journey endpoints, and what concurrent callers meet."""

import csv
import datetime
import gzip
import itertools
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import psycopg
import pytest
from geographiclib.geodesic import Geodesic

from tests.conftest import Primary
from tests.shared import shared

WALKER = "00000000-0000-4000-8000-000000000001"
NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
Position = tuple[float, float]


@pytest.fixture
def walker(db: psycopg.Connection) -> psycopg.Connection:
    """A connection that calls as a signed-in person, one transaction for each call."""
    return sign_in(db)


def sign_in(connection: psycopg.Connection) -> psycopg.Connection:
    connection.autocommit = True
    claims = json.dumps({"role": "authenticated", "sub": WALKER})
    connection.execute("select set_config('request.jwt.claims', %s, false)", [claims])
    connection.execute("set role authenticated")
    return connection


def start(connection: psycopg.Connection, origin: Position) -> uuid.UUID:
    journey_id = uuid.uuid4()
    connection.execute(
        "select api.start_journey(%s, %s, %s, started_at => %s)",
        [journey_id, *origin, NOW - datetime.timedelta(hours=12)],
    )
    return journey_id


def record(connection: psycopg.Connection, journey_id: uuid.UUID, points: list[Any]) -> Any:
    query = "select api.record_points(%s, %s)"
    return connection.execute(query, [journey_id, json.dumps(points)]).fetchone()[0]


def track(connection: psycopg.Connection, journey_id: uuid.UUID) -> Any:
    return connection.execute("select api.journey_track(%s)", [journey_id]).fetchone()[0]


def point(at: datetime.datetime, position: Position) -> dict[str, Any]:
    return {"recorded_at": at.isoformat(), "lon": position[0], "lat": position[1]}


def geodesic_length(line: list[Position]) -> float:
    """Metres, by Karney's algorithm and not by PostGIS."""
    return sum(
        Geodesic.WGS84.Inverse(a[1], a[0], b[1], b[0])["s12"] for a, b in itertools.pairwise(line)
    )


def gpx(path: Path) -> list[tuple[datetime.datetime, Position]]:
    tree = ElementTree.parse(path)
    return [
        (
            datetime.datetime.fromisoformat(node.find("{*}time").text),
            (float(node.get("lon")), float(node.get("lat"))),
        )
        for node in tree.iterfind(".//{*}trkpt")
    ]


def berlin_traces() -> Iterator[list[Position]]:
    with gzip.open(shared("data/gps/berlin_gps_traces_osrm.csv.gz"), "rt") as stream:
        rows = csv.DictReader(stream)
        for _, group in itertools.groupby(rows, key=lambda row: row["TrackID"]):
            yield [(float(row["Longitude"]), float(row["Latitude"])) for row in group]


@pytest.mark.parametrize("name", ["movingpandas_walk_2019-02-18", "graphhopper_test1"])
def test_real_walk(walker: psycopg.Connection, name: str) -> None:
    walk = gpx(shared(f"data/gps/gpx/{name}.gpx"))
    shift = NOW - datetime.timedelta(hours=1) - walk[-1][0]
    points = [point(at + shift, position) for at, position in walk]
    moments = {p["recorded_at"] for p in points}
    journey_id = start(walker, walk[0][1])

    answer = record(walker, journey_id, points)
    assert answer["quarantined"] == []
    assert answer["accepted"] + answer["duplicates"] == len(points)
    # One position for each moment: the second file has up to eight in one second.
    assert answer["accepted"] == len(moments)
    assert record(walker, journey_id, points) == {
        "accepted": 0,
        "duplicates": len(points),
        "quarantined": [],
    }

    feature = track(walker, journey_id)
    line = feature["geometry"]["coordinates"]
    assert len(line) == answer["accepted"] == len(feature["properties"]["times"])
    assert feature["properties"]["length_m"] == pytest.approx(geodesic_length(line), abs=0.1)
    duration = (walk[-1][0] - walk[0][0]).total_seconds()
    assert feature["properties"]["duration_s"] == duration
    assert feature["properties"]["length_m"] / duration < 15  # on foot or by car


def test_berlin_traces_keep_every_position(walker: psycopg.Connection) -> None:
    for trace in itertools.islice(berlin_traces(), 40):
        journey_id = start(walker, trace[0])
        began = NOW - datetime.timedelta(seconds=len(trace) + 1)
        points = [
            point(began + datetime.timedelta(seconds=second), position)
            for second, position in enumerate(trace)
        ]
        answer = record(walker, journey_id, points)
        assert answer == {"accepted": len(trace), "duplicates": 0, "quarantined": []}
        feature = track(walker, journey_id)
        assert [tuple(position) for position in feature["geometry"]["coordinates"]] == trace
        assert feature["properties"]["length_m"] == pytest.approx(geodesic_length(trace), abs=0.1)


def test_track_over_midnight_and_over_cells(walker: psycopg.Connection) -> None:
    midnight = NOW.replace(hour=0, minute=0, second=0)
    # A minute before and after, one cell further each: the journey's days and cells must grow.
    line = [(13.40, 52.50), (13.45, 52.50), (13.50, 52.50)]
    times = [midnight - datetime.timedelta(days=1, seconds=60), midnight, NOW]
    journey_id = start(walker, line[0])
    for at, position in zip(times, line, strict=True):
        assert record(walker, journey_id, [point(at, position)])["accepted"] == 1
    feature = track(walker, journey_id)
    assert [tuple(position) for position in feature["geometry"]["coordinates"]] == line


def test_a_track_is_read_from_its_own_days_and_regions_only(walker: psycopg.Connection) -> None:
    journey_id = start(walker, (13.40, 52.50))
    record(walker, journey_id, [point(NOW, (13.40, 52.50))])
    with walker.transaction():
        track(walker, journey_id)
        walker.execute("reset role")
        leaves = walker.execute(
            """select count(*) from pg_locks as l inner join pg_class as c on c.oid = l.relation
            where l.pid = pg_backend_pid() and c.relname like 'journey_points_p%'
                and c.relkind = 'r'"""
        ).fetchone()[0]
    assert leaves == 1


def test_concurrent_batches_of_one_journey(walker: psycopg.Connection) -> None:
    """Each of 4 clients sends the same and some points of its own; every point is stored once."""
    journey_id = start(walker, (13.40, 52.50))

    def upload(number: int) -> None:
        with psycopg.connect(walker.info.dsn, password=walker.info.password) as connection:
            sign_in(connection)
            for batch in range(10):
                both = [
                    point(NOW - datetime.timedelta(seconds=60 * batch + s), (13.40, 52.50))
                    for s in range(30)
                ]
                own = point(NOW - datetime.timedelta(days=number + 1), (13.4 + batch / 20, 52.50))
                answers.append(record(connection, journey_id, [*both, own]))

    answers: list[Any] = []
    run_together([lambda number=number: upload(number) for number in range(4)])
    assert sum(answer["accepted"] for answer in answers) == 10 * 30 + 4 * 10
    assert track(walker, journey_id)["properties"]["points"] == 10 * 30 + 4 * 10


def test_one_journey_for_concurrent_starts(walker: psycopg.Connection) -> None:
    journey_id = uuid.uuid4()

    def begin() -> None:
        with psycopg.connect(walker.info.dsn, password=walker.info.password) as connection:
            sign_in(connection)
            query = "select api.start_journey(%s, 13.4, 52.5)"
            answers.append(connection.execute(query, [journey_id]).fetchone()[0])

    answers: list[Any] = []
    run_together([begin] * 8)
    assert len(answers) == 8
    assert all(answer == answers[0] for answer in answers)


def test_positions_do_not_wait_for_an_absent_standby(
    walker: psycopg.Connection, primary: Primary
) -> None:
    journey_id = start(walker, (13.40, 52.50))
    with psycopg.connect(primary.conninfo("postgres"), autocommit=True) as admin:

        def wait_for(names: str) -> None:
            admin.execute(f"alter system set synchronous_standby_names = '{names}'")
            admin.execute("select pg_reload_conf()")

        wait_for("absent")
        answers: list[Any] = []
        thread = threading.Thread(
            target=lambda: answers.append(record(walker, journey_id, [point(NOW, (13.4, 52.5))]))
        )
        try:
            while not admin.execute(
                "select current_setting('synchronous_standby_names') = 'absent'"
            ).fetchone()[0]:
                pass
            thread.start()
            thread.join(20)
            assert answers, "the commit waits for the standby"
        finally:
            wait_for("")
            thread.join()


def run_together(tasks: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=task) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
