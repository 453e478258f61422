"""Walks in Porto: safe_routes against Valhalla, and against the optimum of the whole graph."""

import json
import math
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles

import psycopg
from rich.console import Console
from rich.progress import track

from bench.cluster import BenchServer, bench_server
from bench.report import REPOSITORY, Result, write_result
from bench.routing.crimes import load_crimes
from bench.routing.oracle import least_cost
from ops import osm

HERE = Path(__file__).parent
SHARED = Path(os.environ.get("SAFEROUTE_SHARED", REPOSITORY.parent / "shared"))
PORTO = SHARED / "data" / "osm" / "porto.osm.pbf"
DISTANCES_M = (500, 1000, 2000, 5000, 10_000)
GOAL_DISTANCE_M = 2000
PAIRS, ROUNDS, SEED = 40, 5, 20141205
GOAL_PAIRS = 100  # of 40 the 95th percentile would be the third worst
AVERSIONS = (0, 3, 12)
AT = datetime(2014, 12, 5, 22, tzinfo=UTC)
PEER = "Valhalla pedestrian, shortest"
Position = tuple[float, float]
PROGRESS = Console(stderr=True)


@dataclass
class Trip:
    """One pair of positions and what was measured on it: milliseconds and metres."""

    start: Position
    end: Position
    distance_m: int
    valhalla_ms: list[float] = field(default_factory=list)
    ours_ms: dict[int, list[float]] = field(default_factory=lambda: {a: [] for a in AVERSIONS})
    valhalla_m: float | None = None
    ours_m: float | None = None


def main() -> None:
    with bench_server() as server, tempfile.TemporaryDirectory() as folder:
        osm.load(server.conninfo("saferoute_owner"), PORTO, "Porto")
        with psycopg.connect(server.conninfo(), autocommit=True) as connection:
            load_crimes(connection, 100_000, SEED)
            trips = [trip for d in DISTANCES_M for trip in choose_trips(connection, d)]
            with valhalla_peer(Path(folder)) as peer:
                measure(server, peer, trips)
            optimal = [
                is_optimal(connection, trip, number)
                for number, trip in enumerate(track(trips, "Whole graph", console=PROGRESS))
            ]
    write_result(
        HERE,
        f"Walks in Porto: {PAIRS} pairs per distance ({GOAL_PAIRS} at 2 km), {ROUNDS} rounds",
        [
            *(result for d in DISTANCES_M for result in times(trips, d)),
            lengths(trips),
            Result(
                "answers equal to the optimum of the whole graph",
                100 * sum(optimal) / len(optimal),
                "%",
                f"pgr_dijkstra over all links, {len(optimal)} pairs",
                goal=">= 100",
            ),
        ],
    )


def choose_trips(connection: psycopg.Connection, distance_m: int) -> Iterator[Trip]:
    """Random vertices of the largest component, as far apart as asked within 5 %."""
    vertices = connection.execute("""
        select x_m, y_m, st_x(geom), st_y(geom) from core.road_vertices
        where vertex_id in (select source from core.road_links) order by vertex_id
    """).fetchall()
    dice = random.Random(SEED + distance_m)
    for _ in range(GOAL_PAIRS if distance_m == GOAL_DISTANCE_M else PAIRS):
        while True:
            x, y, *start = dice.choice(vertices)
            ends = [
                (lon, lat)
                for x2, y2, lon, lat in dice.sample(vertices, 2000)
                if abs(math.hypot(x2 - x, y2 - y) / distance_m - 1) < 0.05
            ]
            if ends:
                yield Trip((start[0], start[1]), ends[0], distance_m)
                break


def valhalla_python() -> str:
    """A Python that has pyvalhalla: ours, or where it is too old one that is unpacked beside it."""
    if sys.version_info >= (3, 12):
        return sys.executable
    folder = Path(sys.prefix) / "valhalla"
    if subprocess.run([HERE / "valhalla_python.sh", folder], check=False).returncode:
        sys.exit("no Python for pyvalhalla: see bench/routing/README.md")
    return str(folder / "python")


@contextmanager
def valhalla_peer(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Valhalla in a process of its own, with tiles of Porto."""
    command = [valhalla_python(), str(HERE / "valhalla_peer.py"), str(PORTO), str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        if not process.stdout.readline():
            sys.exit("pyvalhalla did not start: see bench/routing/README.md")
        yield process
        process.stdin.close()


def measure(server: BenchServer, peer: subprocess.Popen[str], trips: Sequence[Trip]) -> None:
    """Ask both for every trip, turn by turn."""
    with psycopg.connect(server.conninfo("authenticator"), autocommit=True) as connection:
        connection.execute("set role web_anon")
        for round_number in range(ROUNDS + 1):
            for trip in track(trips, f"Round {round_number} of {ROUNDS}", console=PROGRESS):
                valhalla_ms, trip.valhalla_m = ask_valhalla(peer, trip)
                ours = {aversion: ask_ours(connection, trip, aversion) for aversion in AVERSIONS}
                if round_number == 0:  # warms both up
                    trip.ours_m = ours[0][1]
                    continue
                trip.valhalla_ms.append(valhalla_ms)
                for aversion, (milliseconds, _) in ours.items():
                    trip.ours_ms[aversion].append(milliseconds)


def ask_valhalla(peer: subprocess.Popen[str], trip: Trip) -> tuple[float, float | None]:
    assert peer.stdin is not None
    assert peer.stdout is not None
    ends = [{"lon": lon, "lat": lat} for lon, lat in (trip.start, trip.end)]
    request = {
        "locations": ends,
        "costing": "pedestrian",
        "costing_options": {"pedestrian": {"shortest": True}},
    }
    peer.stdin.write(json.dumps(request) + "\n")
    peer.stdin.flush()
    milliseconds, metres = json.loads(peer.stdout.readline())
    return milliseconds, metres


def ask_ours(
    connection: psycopg.Connection, trip: Trip, aversion: float
) -> tuple[float, float | None]:
    start = time.perf_counter()
    try:
        row = connection.execute(
            "select api.safe_routes(%s, %s, %s, %s, %s, array[%s::float8])::text",
            [*trip.start, *trip.end, AT, aversion],
            prepare=True,
        ).fetchone()
    except psycopg.Error as error:
        if error.sqlstate != "SR012":
            raise
        row = None
    milliseconds = 1000 * (time.perf_counter() - start)
    answer = json.loads(row[0]) if row else None
    return milliseconds, answer and answer["features"][0]["properties"]["length_m"]


def is_optimal(connection: psycopg.Connection, trip: Trip, number: int) -> bool:
    """Whether core.find_path costs what the best of the whole graph costs; aversions take turns."""
    aversion = AVERSIONS[number % len(AVERSIONS)]
    city_id, *ends = connection.execute(
        """
        select c.city_id, f.edge_id, f.fraction, t.edge_id, t.fraction
        from core.cities as c
        cross join lateral core.snap_position(c, core.position(%s, %s)) as f
        cross join lateral core.snap_position(c, core.position(%s, %s)) as t
        """,
        [*trip.start, *trip.end],
    ).fetchone() or (0,)
    found = connection.execute(
        "select cost from core.find_path(%s, %s, %s, %s, %s, %s, %s)",
        [city_id, *ends, AT, aversion],
    ).fetchone()
    best = least_cost(connection, city_id, (ends[0], ends[1]), (ends[2], ends[3]), AT, aversion)
    cost = found[0] if found else None
    return cost == best or bool(cost and best and math.isclose(cost, best, rel_tol=1e-9))


def times(trips: Sequence[Trip], distance_m: int) -> Iterator[Result]:
    """The median over the trips of each trip's median over the rounds, and the 95th percentile."""
    chosen = [trip for trip in trips if trip.distance_m == distance_m]
    peers = percentiles([trip.valhalla_ms for trip in chosen])
    goals = ("<= 4", "<= 6") if distance_m == GOAL_DISTANCE_M else (None, None)
    for aversion in AVERSIONS:
        ours = percentiles([trip.ours_ms[aversion] for trip in chosen])
        for name, own, other, goal in zip(("p50", "p95"), ours, peers, goals, strict=True):
            yield Result(
                f"{distance_m / 1000:g} km, aversion {aversion}, {name}",
                own,
                "ms",
                f"{PEER}: {other:.2f} ms",
                own / other,
                goal,
                ROUNDS,
            )


def percentiles(times_ms: Sequence[Sequence[float]]) -> tuple[float, float]:
    medians = [median(each) for each in times_ms]
    return median(medians), quantiles(medians, n=20)[18]


def lengths(trips: Sequence[Trip]) -> Result:
    """How much longer or shorter our shortest walks are."""
    differences = [
        trip.ours_m / trip.valhalla_m - 1 for trip in trips if trip.ours_m and trip.valhalla_m
    ]
    return Result(
        "length of the shortest walk, median difference",
        100 * abs(median(differences)),
        "%",
        f"{PEER}, {len(differences)} pairs",
        goal="<= 0.2",
    )


if __name__ == "__main__":
    main()
