"""Real walks under watch, replayed with a frozen clock, and several sweeps at once."""

import datetime
import json
import math
import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import psycopg
import pytest

from tests.conftest import Primary
from tests.integration.test_journeys import Position, gpx, point
from tests.shared import shared

WALKER = "00000000-0000-4000-8000-000000000001"
NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
MINUTE = datetime.timedelta(minutes=1)
STEP = datetime.timedelta(seconds=30)
WALKS = ["movingpandas_walk_2019-02-18", "graphhopper_test1"]
Fix = tuple[datetime.datetime, Position]


@pytest.fixture
def worker(db: psycopg.Connection) -> psycopg.Connection:
    """A connection that calls core functions as a walker and tasks functions as a worker."""
    db.autocommit = True
    claims = json.dumps({"role": "authenticated", "sub": WALKER})
    db.execute("select set_config('request.jwt.claims', %s, false)", [claims])
    return db


@dataclass
class Walk:
    """A watched walk of which the phone and the sweep are played."""

    db: psycopg.Connection
    fixes: list[Fix]
    journey_id: uuid.UUID

    @property
    def end(self) -> datetime.datetime:
        return self.fixes[-1][0]

    def watch(self, **settings: object) -> None:
        """Have it watched from its first fix on, its line being the way."""
        values = {"expected_at": None, "silence_after": None, "route": None} | settings
        self.db.execute(
            """select core.watch_journey(
                %(user)s, %(journey)s, %(start)s, %(expected_at)s, null, %(silence_after)s,
                '5 minutes', 15, %(route)s, 100, %(start)s)""",
            values | {"user": WALKER, "journey": self.journey_id, "start": self.fixes[0][0]},
        )

    def line(self) -> str:
        """What route planners answer: not every metre of the walk."""
        route = self.db.execute(
            "select st_asgeojson(st_simplify(st_geomfromgeojson(%s), 0.0001))",
            [json.dumps({"type": "LineString", "coordinates": [at for _, at in self.fixes]})],
        ).fetchone()
        assert route is not None
        return str(route[0])

    def play(self, fixes: Iterable[Fix], until: datetime.datetime) -> list[tuple[str, str]]:
        """Send what the phone has every 30 s, sweep after it, and so on until then.

        The states the watch came into, each with its reason.
        """
        left = list(fixes)
        now = self.fixes[0][0]
        while now < until:
            now += STEP
            sent = [fix for fix in left if fix[0] <= now]
            left = left[len(sent) :]
            if sent:
                points = json.dumps([point(at, position) for at, position in sent])
                query = "select core.record_points(%s, %s, %s)"
                self.db.execute(query, [WALKER, self.journey_id, points])
            sweep(self.db, now)
        return self.states()

    def states(self) -> list[tuple[str, str]]:
        return self.db.execute(
            """select state, reason from core.journey_events
            where journey_id = %s and event = 'state' and from_state is not null order by seq""",
            [self.journey_id],
        ).fetchall()


def sweep(db: psycopg.Connection, now: datetime.datetime) -> None:
    """What the worker does every two seconds."""
    while db.execute("select tasks.sweep_journeys(%s)", [now]).fetchone()[0]["is_more"]:
        pass
    while db.execute("select tasks.sound_alarm(%s)", [now]).fetchone()[0]:
        pass


def start(db: psycopg.Connection, name: str) -> Walk:
    """The walk of a GPX file, moved to the last hours, one fix for each moment."""
    recorded = dict(gpx(shared(f"data/gps/gpx/{name}.gpx")))
    moments = sorted(recorded)
    shift = NOW - datetime.timedelta(hours=1) - moments[-1]
    fixes = [(at + shift, recorded[at]) for at in moments]
    walk = Walk(db, fixes, uuid.uuid4())
    db.execute(
        "select core.start_journey(%s, %s, %s, %s, %s, %s, %s)",
        [WALKER, walk.journey_id, *fixes[0][1], *fixes[-1][1], fixes[0][0]],
    )
    return walk


def moved(fixes: list[Fix], metres: float) -> list[Fix]:
    """The same to the west."""
    degrees = metres / 111_195 / math.cos(math.radians(fixes[0][1][1]))
    return [(at, (lon - degrees, lat)) for at, (lon, lat) in fixes]


@pytest.mark.parametrize("name", WALKS)
def test_a_walk_as_planned_raises_nothing(worker: psycopg.Connection, name: str) -> None:
    walk = start(worker, name)
    walk.watch(route=walk.line(), silence_after=10 * MINUTE, expected_at=walk.end + 10 * MINUTE)
    states = walk.play(walk.fixes, walk.end + 9 * MINUTE)
    assert states in (
        [("active", "started"), ("ended", "arrived")],
        # Who stops recording at the door was not seen to stay there for a minute.
        [("active", "started")],
    )
    assert worker.execute("select count(*) from core.alerts").fetchone() == (0,)


@pytest.mark.parametrize("name", WALKS)
def test_a_walk_that_stops_half_way(worker: psycopg.Connection, name: str) -> None:
    walk = start(worker, name)
    walk.watch(route=walk.line(), silence_after=10 * MINUTE)
    half = walk.fixes[: len(walk.fixes) // 2]
    assert walk.play(half, half[-1][0] + 21 * MINUTE)[-3:] == [
        ("late", "silence"),
        ("overdue", "silence"),
        ("alarm", "silence"),
    ]
    lon, lat = half[-1][1]
    assert worker.execute(
        """select cause, st_distance(geom::geography, st_point(%s, %s, 4326)::geography) < 1
        from core.alerts""",
        [lon, lat],
    ).fetchall() == [("silence", True)]


def test_a_walk_that_does_not_arrive(worker: psycopg.Connection) -> None:
    walk = start(worker, WALKS[0])
    walk.watch(expected_at=walk.end)
    half = walk.fixes[: len(walk.fixes) // 2]
    assert walk.play(half, walk.end + 11 * MINUTE) == [
        ("active", "started"),
        ("late", "overdue"),
        ("overdue", "overdue"),
        ("alarm", "overdue"),
    ]


def test_a_walk_beside_its_way(worker: psycopg.Connection) -> None:
    walk = start(worker, WALKS[0])
    walk.watch(route=walk.line())
    # Later on it crosses the way, and is on it for a while.
    assert walk.play(moved(walk.fixes, 300), walk.fixes[0][0] + 2 * MINUTE) == [
        ("active", "started"),
        ("late", "deviation"),
    ]


def test_four_sweeps_at_once(
    db: psycopg.Connection, primary: Primary, worker: psycopg.Connection
) -> None:
    """Of 200 walks each takes every step once, and has one alert."""
    worker.execute(
        """select core.start_journey(%(user)s, j, 13.4, 52.5, 13.41, 52.5, %(at)s),
            core.watch_journey(%(user)s, j, %(at)s, %(at)s + interval '1 minute', null, null,
                '5 minutes', 15, null, null, %(at)s)
        from (select gen_random_uuid() as j from generate_series(1, 200)) as g""",
        {"user": WALKER, "at": NOW - datetime.timedelta(hours=2)},
    )
    moments = [NOW + number * 6 * MINUTE for number in range(4)]
    together = threading.Barrier(4)
    failed: list[BaseException] = []

    def sweeper() -> None:
        try:
            with psycopg.connect(primary.conninfo(db.info.dbname), autocommit=True) as other:
                for moment in moments:
                    together.wait(30)
                    sweep(other, moment)
        except BaseException as error:
            failed.append(error)
            together.abort()

    in_threads([sweeper] * 4)
    assert not failed
    assert worker.execute(
        """select state, count(*), count(distinct journey_id) from core.journey_events
        where from_state is not null group by state order by min(seq)"""
    ).fetchall() == [(state, 200, 200) for state in ("active", "late", "overdue", "alarm")]
    assert worker.execute(
        "select count(*), count(distinct journey_id) from core.alerts"
    ).fetchone() == (
        200,
        200,
    )
    assert worker.execute(
        "select event, count(*) from core.inbox_entries group by event order by event"
    ).fetchall() == [("late", 200), ("overdue", 200), ("raised", 200)]


def in_threads(functions: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
