"""Posts of one point each over HTTP: one API process as it is, and one without group commit."""

import datetime
import itertools
import os
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from statistics import median, quantiles

import jwt
import psycopg
import uvloop

from bench.cluster import BenchServer, bench_server
from bench.report import Result
from bench.rpc.load import timed
from bench.rpc.run import SECRET, Cores, Service, service
from ops.cluster import free_port

PEER = "straightforward"
MODULES = {"grouped": "api", PEER: "bench.ingest.straightforward"}
REQUESTS = {"grouped": 8000, PEER: 4000}  # in each round
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
def _services(bench: BenchServer, cores: Cores) -> Iterator[dict[str, Service]]:
    """Both on the same core; only one is asked at a time."""
    environment = {
        "SAFEROUTE_ENV_FILE": "/nonexistent",
        "SAFEROUTE_DATABASE_HOSTS": f"127.0.0.1:{bench.port}",
        "SAFEROUTE_AUTHENTICATOR_PASSWORD": bench.password,
        "SAFEROUTE_JWT_SECRET": SECRET,
    }
    with ExitStack() as stack:
        started = {}
        for name, module in MODULES.items():
            port = free_port()
            own = environment | {
                "SAFEROUTE_API_PORT": str(port),
                "SAFEROUTE_ADMIN_PORT": str(free_port()),
            }
            started[name] = stack.enter_context(service(cores, [module], own, port))
        yield started


async def _measure(posts: Posts, started: dict[str, Service]) -> tuple[Measured, Measured]:
    """Posts per second, and the 99th percentile of their seconds, in every round."""
    rates: Measured = defaultdict(list)
    slowest: Measured = defaultdict(list)
    for served in started.values():
        await timed(served.port, posts, 2 * JOURNEYS, 64)
    for _ in range(ROUNDS):
        for clients in CLIENTS:
            for name, served in started.items():
                elapsed, latencies = await timed(served.port, posts, REQUESTS[name], clients)
                rates[name, clients].append(REQUESTS[name] / elapsed)
                slowest[name, clients].append(quantiles(latencies, n=100)[-1])
    return rates, slowest


def results() -> list[Result]:
    """Run both, in turns; for each number of clients their rate and how long the slowest took."""
    cores = Cores.of_this_machine()
    everywhere = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores.database)  # PostgreSQL inherits it
    try:
        with bench_server() as bench, _services(bench, cores) as started:
            os.sched_setaffinity(0, cores.load)
            rates, slowest = uvloop.run(_measure(Posts(bench), started))
    finally:
        os.sched_setaffinity(0, everywhere)
    return [line for clients in CLIENTS for line in _lines(clients, rates, slowest)]


def _lines(clients: int, rates: Measured, slowest: Measured) -> Iterator[Result]:
    rate, peer = (median(rates[name, clients]) for name in MODULES)
    what = f"posts of one point, {clients} clients"
    yield Result(what, rate, "1/s", PEER, rate / peer, ">= 1.7", ROUNDS)
    p99, peer = (median(slowest[name, clients]) * 1000 for name in MODULES)
    what = f"99th percentile, {clients} clients"
    yield Result(what, p99, "ms", PEER, p99 / peer, CLIENTS[clients], ROUNDS)
