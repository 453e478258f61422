"""Posts of one point each over HTTP: one API process as it is, and one without group commit."""

import datetime
import itertools
import os
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median, quantiles

import jwt
import psycopg
import uvloop

from bench.cluster import BenchServer, bench_server
from bench.redis import bench_redis
from bench.report import Result
from bench.rpc.load import timed
from bench.rpc.run import POOL, SECRET, Cores, Service, service
from ops.cluster import free_port
from tests.redis_cluster import TestCluster

PEER = "straightforward"
MODULES = {"grouped": "api", PEER: "bench.ingest.straightforward"}
REQUESTS = {"grouped": 12000, PEER: 4000}  # in each round
CLIENTS = {32: None, 256: "<= 0.3"}  # and the goal of the 99th percentile
ROUNDS = 5
JOURNEYS = 2000
LON, LAT = -8.61, 41.15

Measured = dict[tuple[str, int], list[float]]


class Posts:
    """One point each, of one journey after the other; each person has one."""

    def __init__(self, bench: BenchServer) -> None:
        people = [(str(uuid.uuid4()), str(uuid.uuid4())) for _ in range(JOURNEYS)]
        with psycopg.connect(bench.conninfo(), autocommit=True) as connection:
            connection.cursor().executemany(
                "insert into core.journeys (journey_id, user_id, cell, started_at, origin)"
                " select %s, %s, st_geohash(p, 5), now(), p from st_point(%s, %s, 4326) as p",
                [(journey, person, LON, LAT) for journey, person in people],
            )
            connection.execute("vacuum analyze core.journeys")
            # Counting calls is bench/limits' question; here it would be most of the rest.
            connection.execute("delete from core.rate_limits where class = 'ingest'")
            connection.execute("notify saferoute_catalogue")
        self._heads = [_head(person) for _, person in people]
        self._bodies = [
            f'{{"journey_id":"{journey}","points":[{{"recorded_at":"%s","lon":{LON},"lat":{LAT},'
            '"speed_mps":1.3,"accuracy_m":5,"battery_pct":80}]}'
            for journey, _ in people
        ]
        self._numbers = itertools.count()
        self._since = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=8)

    def __call__(self, _number: int) -> bytes:
        """The next post: a point that was never sent before."""
        number = next(self._numbers)
        at = self._since + datetime.timedelta(milliseconds=20 * number)
        body = self._bodies[number % JOURNEYS] % at.isoformat(timespec="milliseconds")
        return f"{self._heads[number % JOURNEYS]}{len(body)}\r\n\r\n{body}".encode()


def _head(person: str) -> str:
    claims = {"role": "authenticated", "sub": person, "exp": int(time.time()) + 7200}
    token = jwt.encode(claims, SECRET, "HS256")
    return (
        "POST /rpc/record_points HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\n"
        f"Accept: application/json\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/json\r\nContent-Length: "
    )


@contextmanager
def _services(bench: BenchServer, redis: TestCluster, cores: Cores) -> Iterator[dict[str, Service]]:
    """Both on the same core; only one is asked at a time."""
    environment = {
        **redis.settings,
        "SAFEROUTE_ENV_FILE": "/nonexistent",
        "SAFEROUTE_DATABASE_HOSTS": f"127.0.0.1:{bench.port}",
        "SAFEROUTE_AUTHENTICATOR_PASSWORD": bench.password,
        "SAFEROUTE_JWT_SECRET": SECRET,
        "SAFEROUTE_API_PROCESSES": str(len(MODULES)),
        "SAFEROUTE_DATABASE_CONNECTIONS": str((POOL + 4) * len(MODULES)),
    }
    with ExitStack() as stack:
        started = {}
        for name, module in MODULES.items():
            port = free_port()
            own = environment | {
                "SAFEROUTE_API_PORT": str(port),
                "SAFEROUTE_ADMIN_PORT": str(free_port()),
            }
            started[name] = stack.enter_context(
                service(cores, [sys.executable, "-m", module], own, port)
            )
        yield started


@dataclass(frozen=True)
class Rounds:
    """What each service did with so many clients in every round."""

    rates: Measured
    """Posts per second."""
    slowest: Measured
    """The 99th percentile of their seconds."""
    cpu: Measured
    """Seconds of CPU that the API used for one."""


async def _measure(posts: Posts, started: dict[str, Service]) -> Rounds:
    rounds = Rounds(defaultdict(list), defaultdict(list), defaultdict(list))
    for served in started.values():
        await timed(served.port, posts, 2 * JOURNEYS, 64)
    for _ in range(ROUNDS):
        for clients in CLIENTS:
            for name, served in started.items():
                before, count = served.cpu(), REQUESTS[name]
                elapsed, latencies = await timed(served.port, posts, count, clients)
                rounds.rates[name, clients].append(count / elapsed)
                rounds.slowest[name, clients].append(quantiles(latencies, n=100)[-1])
                rounds.cpu[name, clients].append((served.cpu() - before) / count)
    return rounds


def results() -> list[Result]:
    """Run both, in turns; for each number of clients their rate and how long the slowest took."""
    cores = Cores.of_this_machine()
    everywhere = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores.database)  # PostgreSQL inherits it
    try:
        with (
            bench_server() as bench,
            bench_redis() as redis,
            _services(bench, redis, cores) as started,
        ):
            os.sched_setaffinity(0, cores.load)
            rounds = uvloop.run(_measure(Posts(bench), started))
    finally:
        os.sched_setaffinity(0, everywhere)
    return [line for clients in CLIENTS for line in _lines(clients, rounds)]


def _lines(clients: int, rounds: Rounds) -> Iterator[Result]:
    for what, unit, factor, measured, goal in (
        ("posts of one point", "1/s", 1, rounds.rates, ">= 1.7"),
        ("their 99th percentile", "ms", 1e3, rounds.slowest, CLIENTS[clients]),
        ("CPU of the API for one", "µs", 1e6, rounds.cpu, None),
    ):
        value, peer = (median(measured[name, clients]) * factor for name in MODULES)
        what = f"{what}, {clients} clients"
        yield Result(what, value, unit, PEER, value / peer, goal, ROUNDS)
