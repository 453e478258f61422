"""Do safest routes meet less of the street violence to come?

Against the shortest route of the same pair, and against random detours as long as the safest one:
a longer walk that knew nothing of crime.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import psycopg
from rich.progress import track
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from bench.report import Result
from bench.risk.washington import STREETS, ZONE, import_crimes, know_until, midnight
from ops import osm

Floats = npt.NDArray[np.float64]
STARTS = [midnight(year, month) for year in (2015, 2016, 2017) for month in (1, 7)]
HORIZON = timedelta(days=182)
PAIRS = 50  # per start
DETOURS = 3  # per pair
APART_M = (800, 3000)
REACH_M = 50
SAME_LENGTH = 0.02
SAFEST = 12.0
RESAMPLES = 5000

_LINKS = """
    select l.edge_id, l.source, l.target, l.walkable_direction, l.length_m,
        l.all_density is not null, v.x_m, v.y_m
    from core.road_links as l inner join core.road_vertices as v on v.vertex_id = l.source
    order by l.edge_id
"""
_MET = """
    select e.edge_id, h.number
    from core.road_edges as e
    inner join (
        select row_number() over () as number, h.geom
        from held_back as h inner join core.crime_categories as k using (category)
        where k.is_street_violence and h.occurred_at >= %s and h.occurred_at < %s
    ) as h on e.geom && core.expand_metres(h.geom, %s)
        and st_dwithin(e.geom::geography, h.geom::geography, %s)
    where e.is_connected
"""
_PATH = "select edge_ids from core.find_path(1, %s, 0, %s, 0, %s, %s)"


@dataclass(frozen=True)
class Walk:
    """How long a route is, and how many of the crimes to come happened within 50 m of it."""

    length_m: float
    met: float


@dataclass(frozen=True)
class Pair:
    """The routes of one origin and destination; the detour is the mean of several."""

    shortest: Walk
    safest: Walk
    detour: Walk


class Network:
    """The connected streets as arrays, with a search of its own for the detours."""

    def __init__(self, connection: psycopg.Connection) -> None:
        rows = np.array(connection.execute(_LINKS).fetchall(), float)
        self.edge_ids = rows[:, 0].astype(int)
        self.vertices, ends = np.unique(rows[:, 1:3].astype(int), return_inverse=True)
        self.source, self.target = ends.reshape(-1, 2).T
        self.length = dict(zip(self.edge_ids.tolist(), rows[:, 4].tolist(), strict=True))
        self.is_known = rows[:, 5].astype(bool)
        self.source_at = rows[:, 6:8]
        forward, backward = rows[:, 3] >= 0, rows[:, 3] <= 0
        start = np.r_[self.source[forward], self.target[backward]]
        end = np.r_[self.target[forward], self.source[backward]]
        length = np.r_[rows[forward, 4], rows[backward, 4]]
        edge = np.r_[self.edge_ids[forward], self.edge_ids[backward]]
        order = np.argsort(-length)  # of parallel ways the shortest is written last
        self.edge_of = dict(
            zip(zip(start[order], end[order], strict=True), edge[order].tolist(), strict=True)
        )
        keys = np.array(list(self.edge_of))
        values = [self.length[edge_id] for edge_id in self.edge_of.values()]
        size = len(self.vertices)
        self.graph = csr_array((values, keys.T), shape=(size, size))

    def detours(
        self, start: int, end: int, length_m: float, random: np.random.Generator
    ) -> Iterator[list[int]]:
        """Routes by way of a random vertex that are as long as asked and use no edge twice."""
        from_start, before = dijkstra(self.graph, indices=start, return_predecessors=True)
        to_end, after = dijkstra(self.graph.T.tocsr(), indices=end, return_predecessors=True)
        fits = np.abs(from_start + to_end - length_m) <= SAME_LENGTH * length_m
        for via in random.permutation(np.flatnonzero(fits)):
            there = [via]
            while there[-1] != start:
                there.append(before[there[-1]])
            onward = [via]
            while onward[-1] != end:
                onward.append(after[onward[-1]])
            nodes = there[::-1] + onward[1:]
            edges = [self.edge_of[step] for step in pairwise(nodes)]
            if len(set(edges)) == len(edges):
                yield edges


def run(connection: psycopg.Connection, conninfo: str) -> list[Result]:
    """Sample pairs before each start, walk them, count; ratios with paired bootstrap intervals."""
    osm.load(conninfo, STREETS, "Washington")
    import_crimes(connection, conninfo, "Washington", lambda _: True)
    random = np.random.default_rng(2)
    pairs: list[Pair] = []
    for start in track(STARTS, "Walking"):
        know_until(connection, start)
        connection.execute("analyze")
        met: dict[int, set[int]] = {}
        values = [start, start + HORIZON, REACH_M, REACH_M]
        for edge_id, crime in connection.execute(_MET, values):
            met.setdefault(edge_id, set()).add(crime)
        pairs += sample(connection, Network(connection), met, evening_after(start), random)
    return report(pairs, random)


def evening_after(moment: datetime) -> datetime:
    """The Friday after, 22:00 in Washington."""
    local = moment.astimezone(ZONE)
    friday = local + timedelta(days=(4 - local.weekday()) % 7)
    return friday.replace(hour=22)


def sample(
    connection: psycopg.Connection,
    network: Network,
    met: dict[int, set[int]],
    at: datetime,
    random: np.random.Generator,
) -> Iterator[Pair]:
    """Pairs of known places 800 to 3,000 m apart, with their three routes."""
    known = np.flatnonzero(network.is_known)
    found = 0

    def walk(edges: list[int]) -> Walk:
        crimes = set().union(*(met.get(edge, set()) for edge in edges))
        return Walk(sum(network.length[edge] for edge in edges), len(crimes))

    while found < PAIRS:
        one, other = random.choice(known, 2)
        if (
            not APART_M[0]
            <= np.hypot(*(network.source_at[one] - network.source_at[other]))
            <= APART_M[1]
        ):
            continue
        ends = [int(network.edge_ids[one]), int(network.edge_ids[other])]
        routes = [
            connection.execute(_PATH, [*ends, at, aversion]).fetchone()
            for aversion in (0.0, SAFEST)
        ]
        shortest, safest = (walk(route[0]) for route in routes if route and route[0])
        detours = []
        for edges in network.detours(
            network.source[one], network.source[other], safest.length_m, random
        ):
            detours.append(walk(edges))
            if len(detours) == DETOURS:
                break
        if not detours:
            continue
        found += 1
        mean = Walk(
            float(np.mean([d.length_m for d in detours])), float(np.mean([d.met for d in detours]))
        )
        yield Pair(shortest, safest, mean)


def report(pairs: list[Pair], random: np.random.Generator) -> list[Result]:
    """Crimes met per walk, and the upper ends of the 95 % intervals of both ratios."""
    table = np.array(
        [
            [getattr(pair, name).met for name in ("shortest", "detour", "safest")]
            + [getattr(pair, name).length_m for name in ("shortest", "detour", "safest")]
            for pair in pairs
        ]
    )
    means = table.mean(axis=0)
    results = []
    count = len(pairs)
    for i, name in enumerate(("the shortest route", "random detours of equal length")):
        drawn = table[random.integers(count, size=(RESAMPLES, count))].sum(axis=1)
        low, high = np.percentile(drawn[:, 2] / drawn[:, i], [2.5, 97.5])
        results += [
            Result(
                f"later street violence met within {REACH_M} m of a safest route ({count} walks)",
                means[2],
                "crimes/walk",
                f"{name}: {means[i]:.2f}",
                means[2] / means[i],
                "<= 1",
                rounds=count,
            ),
            Result(
                f"95 % interval of that ratio: {low:.2f} to",
                high,
                "times",
                goal="<= 1",
                rounds=RESAMPLES,
            ),
            Result(
                "length of a safest route",
                means[5],
                "m",
                f"{name}: {means[3 + i]:,.0f} m",
                means[5] / means[3 + i],
                rounds=count,
            ),
        ]
    return results
