"""How fast positions are stored: batches of 1,000 through `core.ingest` and `api.record_points`,
against COPY of the same rows into a bare table, one transaction for each batch; and posts of one
point over HTTP, with and without group commit.
"""

import datetime
import json
import random
import secrets
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from statistics import median

import psycopg

from bench.cluster import bench_server
from bench.ingest import posts
from bench.report import Result, write_result

BATCH = 1000
ROUNDS = 150
WARM_UP = 20
BATCHES_PER_JOURNEY = 5
PEER = "COPY into a bare table"
USER = uuid.UUID("00000000-0000-4000-8000-000000000001")
ORIGIN = (-8.61, 41.15)

Point = tuple[str, float, float, float, float, float]

_BARE = """
create table public.bare (
    journey_id uuid, recorded_at timestamptz, cell text collate "C", user_id uuid,
    geom geometry(point, 4326), speed_mps real, accuracy_m real, battery_pct real)
"""
_INGEST = """
select core.ingest(%s, %s, %s::text::json, now() - interval '29 days',
    now() + interval '10 min', core.near_box(st_point(%s, %s, 4326), 300000))
"""


class Walk:
    """A journey whose points come one batch after the other, one point a second."""

    def __init__(self) -> None:
        milliseconds = time.time_ns() // 1_000_000
        self.journey_id = uuid.UUID(
            int=milliseconds << 80
            | 7 << 76
            | secrets.randbits(12) << 64
            | 2 << 62
            | secrets.randbits(62)
        )
        age = datetime.timedelta(seconds=random.uniform(2, 6) * BATCHES_PER_JOURNEY * BATCH)
        self.at = datetime.datetime.now(datetime.UTC) - age
        self.lon, self.lat = (degrees + random.uniform(-0.05, 0.05) for degrees in ORIGIN)
        self.batches = 0

    def points(self) -> list[Point]:
        """The next batch."""
        self.batches += 1
        return [self._step() for _ in range(BATCH)]

    def _step(self) -> Point:
        self.at += datetime.timedelta(seconds=1)
        self.lon += random.uniform(-2e-5, 2e-5)
        self.lat += random.uniform(-1e-5, 1e-5)
        at = self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return (at, round(self.lon, 6), round(self.lat, 6), 1.4, 5.0, 80.0)


class Bench:
    """One connection, and the walks that each contender stores."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection
        self.walks: dict[str, Walk] = {}

    def next_batch(self, contender: str) -> tuple[uuid.UUID, list[Point]]:
        """The journey and the points of the contender's next batch; starts the journey."""
        walk = self.walks.get(contender)
        if walk is None or walk.batches == BATCHES_PER_JOURNEY:
            walk = self.walks[contender] = Walk()
            self.connection.execute(
                "select api.start_journey(%s, %s, %s)", [walk.journey_id, *ORIGIN]
            )
        return walk.journey_id, walk.points()

    def copy(self) -> float:
        """Seconds to COPY a batch into the bare table, geometry and cell made by the client."""
        journey_id, points = self.next_batch("copy")
        places = self.connection.execute(
            "select st_geohash(p, 5), p::text from unnest(%s::float8[], %s::float8[]) as u (x, y),"
            " st_point(u.x, u.y, 4326) as p",
            [[point[1] for point in points], [point[2] for point in points]],
        ).fetchall()
        lines = (
            f"{journey_id}\t{at}\t{cell}\t{USER}\t{geom}\t{speed}\t{accuracy}\t{battery}\n"
            for (at, _, _, speed, accuracy, battery), (cell, geom) in zip(
                points, places, strict=True
            )
        )
        data = "".join(lines).encode()
        began = time.perf_counter()
        with self.connection.cursor().copy("copy public.bare from stdin") as stream:
            stream.write(data)
        return time.perf_counter() - began

    def ingest(self) -> float:
        """Seconds for `core.ingest`."""
        journey_id, points = self.next_batch("ingest")
        return self._timed(_INGEST, [USER, journey_id, _json(points), *ORIGIN], BATCH)

    def record_points(self) -> float:
        """Seconds for `api.record_points`: the checks, the ingest and the answer."""
        journey_id, points = self.next_batch("record_points")
        query = "select (api.record_points(%s, %s::text::json) ->> 'accepted')::integer"
        return self._timed(query, [journey_id, _json(points)], BATCH)

    def retry(self) -> float:
        """Seconds for `api.record_points` with a batch that is there already."""
        journey_id, points = self.next_batch("retry")
        query = "select (api.record_points(%s, %s::text::json) ->> 'duplicates')::integer"
        self._timed(query, [journey_id, _json(points)], 0)
        return self._timed(query, [journey_id, _json(points)], BATCH)

    def unflushed(self, contender: Callable[[], float]) -> float:
        """Seconds for the contender with commits that do not wait for the disk."""
        self.connection.execute("set synchronous_commit = off")
        took = contender()
        self.connection.execute("set synchronous_commit = on")
        return took

    def _timed(self, query: str, arguments: list[object], expected: int) -> float:
        began = time.perf_counter()
        row = self.connection.execute(query, arguments, prepare=True).fetchone()
        took = time.perf_counter() - began
        assert row == (expected,), row
        return took


def main() -> None:
    """Measure, print, write `result.json`."""
    results = batches() + posts.results()
    write_result(Path(__file__).parent, "How fast positions are stored", results)


def batches() -> list[Result]:
    """Batches of 1,000 positions on one connection."""
    with bench_server() as server, psycopg.connect(server.conninfo(), autocommit=True) as link:
        _prepare(link)
        bench = Bench(link)
        contenders: dict[str, Callable[[], float]] = {
            PEER: bench.copy,
            "core.ingest": bench.ingest,
            "api.record_points": bench.record_points,
            "api.record_points, a retry": bench.retry,
            f"{PEER}, not flushed": lambda: bench.unflushed(bench.copy),
            "core.ingest, not flushed": lambda: bench.unflushed(bench.ingest),
        }
        seconds: dict[str, list[float]] = {name: [] for name in contenders}
        for number in range(WARM_UP + ROUNDS):
            for name in random.sample(list(contenders), len(contenders)):
                took = contenders[name]()
                if number >= WARM_UP:
                    seconds[name].append(took)
    rates = {name: BATCH / median(times) for name, times in seconds.items()}
    return [_result(name, rates) for name in rates]


def _result(name: str, rates: dict[str, float]) -> Result:
    peer = f"{PEER}, not flushed" if name.endswith("not flushed") else PEER
    is_peer = name == peer
    return Result(
        name,
        rates[name],
        "rows/s",
        against=None if is_peer else peer,
        ratio=None if is_peer else rates[name] / rates[peer],
        goal=">= 0.30" if name == "core.ingest" else None,
        rounds=ROUNDS,
    )


def _prepare(link: psycopg.Connection) -> None:
    """Leaves for the regions around, the bare table, and the rights and claims of a walker."""
    link.execute(
        "select core.make_period('core.journey_points', p.lower_bound,"
        " core.geohash_cover(st_expand(st_point(%s, %s, 4326), 0.3), 4))"
        " from core.periods('core.journey_points') as p",
        ORIGIN,
    )
    link.execute(_BARE)
    link.execute("grant insert on public.bare to saferoute_api")
    link.execute("grant usage on schema api to saferoute_api")
    claims = json.dumps({"role": "authenticated", "sub": str(USER)})
    link.execute("select set_config('request.jwt.claims', %s, false)", [claims])
    link.execute("set role saferoute_api")


def _json(points: list[Point]) -> str:
    names = ("recorded_at", "lon", "lat", "speed_mps", "accuracy_m", "battery_pct")
    objects = [dict(zip(names, point, strict=True)) for point in points]
    return json.dumps(objects, separators=(",", ":"))  # as JavaScript writes it


if __name__ == "__main__":
    main()
