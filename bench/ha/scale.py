"""What a second API process and a second live gateway add, on cores of their own."""

import asyncio
import os
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median

import psycopg
import uvloop
from rich.progress import track

from bench.cluster import BenchServer, bench_server
from bench.live import peers
from bench.live.processes import Process, started
from bench.redis import bench_redis
from bench.report import Result
from bench.rpc.load import spread
from ops.cluster import free_port
from tests.redis_cluster import TestCluster

ROUNDS = 12
INSTANCES = 2
CALLED = "my_contacts"
"""Of the calls that every app makes the one whose SQL takes least."""
CALLS_ALONE = "calls alone"
QUESTIONS = {CALLS_ALONE: (3000, 0), "watchers alone": (0, 4000), "both": (1500, 4000)}
"""Calls to each API process and positions told by each gateway, in each round."""
IN_FLIGHT = 16
"""Calls that each process has to answer at once."""
WALKS, WATCHERS = 25, 40
PER_SECOND = 8000
"""Positions that are published: more than two gateways tell."""
_SILENCE_S = 2.0
"""After which no more is expected."""


@dataclass(frozen=True)
class Cores:
    """One for each API process with its gateway; the rest for whoever they serve and ask."""

    instances: tuple[set[int], ...]
    others: set[int]

    @classmethod
    def of_this_machine(cls, cores: Sequence[int]) -> "Cores":
        """Of the cores that this process may use."""
        assert len(cores) >= INSTANCES + 2, f"the measurement needs {INSTANCES + 2} cores"
        return cls(tuple({core} for core in cores[:INSTANCES]), set(cores[INSTANCES:]))


@dataclass(frozen=True)
class Services:
    """On each of two cores an API process and a live gateway."""

    apis: tuple[Process, ...]
    api_ports: tuple[int, ...]
    gateways: tuple[Process, ...]
    gateway_ports: tuple[int, ...]
    publisher: Process


@dataclass(frozen=True)
class Watched:
    """What watchers got, and until when they did."""

    messages: int
    seconds: float


class Audience:
    """Watchers of walks of their own, all connected."""

    def __init__(self, watchers: Process, publisher: Process, topics: Sequence[str]) -> None:
        self._watchers = watchers
        self._publisher = publisher
        self._topics = topics

    def watch(self, positions: int) -> Watched:
        """Publish so many, and wait until no more arrives.

        Nobody waits for Redis when a position is published: what it does not take in time is
        dropped, as on any other day.
        """
        began = last = time.perf_counter()
        order = {"topics": self._topics, "messages": positions, "per_second": PER_SECOND}
        self._publisher.tell(order)
        got = 0
        while got < positions * WATCHERS and time.perf_counter() - last < _SILENCE_S:
            time.sleep(0.02)
            self._watchers.tell("report")
            arrived = int(self._watchers.hear())
            if arrived:
                got, last = got + arrived, time.perf_counter()
        self._publisher.expect("done")
        return Watched(got, last - began)


def scale() -> list[Result]:
    """Two against one of each, in turns: calls alone, watchers alone, both on the same cores."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # what is started inherits it
    mine = os.sched_getaffinity(0)
    cores = Cores.of_this_machine(sorted(mine))
    os.sched_setaffinity(0, cores.others)  # what is started inherits it
    try:
        with bench_server() as bench, bench_redis() as redis:
            topics = peers.walks(bench, INSTANCES * WALKS)
            # Of each walk there is a link, that its watchers have got.
            walks = [
                (topic, peers.shares(bench, topic, walker)[0])
                for walker, topic in enumerate(topics)
            ]
            with psycopg.connect(bench.conninfo(), autocommit=True) as db:
                # Counted, and never reached.
                db.execute("update core.rate_limits set amount = 1000000 where not is_hard")
                db.execute("vacuum analyze")
            with services(bench, redis, cores) as running, ExitStack() as stack:
                audiences = [
                    stack.enter_context(audience(instances, running, cores, walks))
                    for instances in range(1, INSTANCES + 1)
                ]
                return results(uvloop.run(measure(running, audiences)))
    finally:
        os.sched_setaffinity(0, mine)


@contextmanager
def services(bench: BenchServer, redis: TestCluster, cores: Cores) -> Iterator[Services]:
    """Start them; killed at the end."""
    environment = {
        **redis.settings,
        "SAFEROUTE_ENV_FILE": os.devnull,
        "SAFEROUTE_DATABASE_HOSTS": f"127.0.0.1:{bench.port}",
        "SAFEROUTE_AUTHENTICATOR_PASSWORD": bench.password,
        # Gateways share the connections too.
        "SAFEROUTE_API_PROCESSES": str(2 * INSTANCES),
        "SAFEROUTE_DATABASE_CONNECTIONS": "80",
        "SAFEROUTE_JWT_SECRET": peers.SECRET,
    }
    api_ports = tuple(free_port() for _ in range(INSTANCES))
    gateway_ports = tuple(free_port() for _ in range(INSTANCES))

    def instances(module: str, setting: str, ports: Sequence[int]) -> tuple[Process, ...]:
        return tuple(
            Process(
                [sys.executable, "-m", module],
                {**environment, setting: str(port), "SAFEROUTE_ADMIN_PORT": str(free_port())},
                core,
            )
            for port, core in zip(ports, cores.instances, strict=True)
        )

    apis = instances("api", "SAFEROUTE_API_PORT", api_ports)
    gateways = instances("api.live", "SAFEROUTE_LIVE_PORT", gateway_ports)
    publisher = Process([sys.executable, "-m", "bench.live.publisher"], environment, cores.others)
    with started(*apis, *gateways, publisher):
        for process in (*apis, *gateways):
            heard = process.hear()
            assert heard.startswith("listening on "), heard
        publisher.expect("ready")
        yield Services(apis, api_ports, gateways, gateway_ports, publisher)


@contextmanager
def audience(
    instances: int, running: Services, cores: Cores, walks: Sequence[tuple[str, str]]
) -> Iterator[Audience]:
    """Connect it: the watchers of each walk are spread over the first so many gateways."""
    first = (instances - 1) * WALKS
    watchers = [
        {"topic": topic, "port": running.gateway_ports[place % instances], "token": share}
        for topic, share in walks[first : first + WALKS]
        for place in range(WATCHERS)
    ]
    process = Process([sys.executable, "-m", "bench.ha.crowd"], {}, cores.others)
    with started(process):
        process.tell({"source": f"127.0.0.{instances + 1}", "watchers": watchers})
        process.expect("ready")
        yield Audience(
            process, running.publisher, [topic for topic, _ in walks[first : first + WALKS]]
        )


@dataclass(frozen=True)
class Round:
    """What so many instances did."""

    calls: int
    messages: int
    seconds: float
    cpu: float
    """Seconds, of all instances."""


Measured = dict[tuple[str, int], list[Round]]
"""By the question and the number of instances."""


async def measure(running: Services, audiences: Sequence[Audience]) -> Measured:
    """The rounds, after one to warm up."""
    head = f"Host: 127.0.0.1\r\nAuthorization: Bearer {peers.access_token(0)}\r\n"
    asked = f"GET /rpc/{CALLED} HTTP/1.1\r\n{head}\r\n".encode()
    processes = (*running.apis, *running.gateways)

    async def call(calls: int, instances: int) -> float:
        if not calls:
            return 0
        ports = running.api_ports[:instances]
        elapsed, _ = await spread(ports, lambda _number: asked, calls * instances, IN_FLIGHT)
        return elapsed

    async def watch(positions: int, instances: int) -> Watched:
        if not positions:
            return Watched(0, 0)
        return await asyncio.to_thread(audiences[instances - 1].watch, positions * instances)

    found: Measured = defaultdict(list)
    for number in track(range(ROUNDS + 1), description="scale-out"):
        for question, (calls, positions) in QUESTIONS.items():
            for instances in range(1, INSTANCES + 1):
                before = sum(each.cpu() for each in processes)
                called, watched = await asyncio.gather(
                    call(calls, instances), watch(positions, instances)
                )
                cpu = sum(each.cpu() for each in processes) - before
                took = max(called, watched.seconds)
                if number > 0:
                    done = Round(calls * instances, watched.messages, took, cpu)
                    found[question, instances].append(done)
    return found


def results(measured: Measured) -> list[Result]:
    """What two did a second, against one."""
    lines = []
    for question, (calls, positions) in QUESTIONS.items():
        for what, wanted in (("calls", calls), ("messages", positions * WATCHERS)):
            if not wanted:
                continue
            rates = []
            for instances in (1, INSTANCES):
                rounds = measured[question, instances]
                rate = [getattr(each, what) / each.seconds for each in rounds]
                busy = median(each.cpu / each.seconds for each in rounds)
                lost = 1 - median(getattr(each, what) / instances / wanted for each in rounds)
                print(
                    f"{question}, {instances} of each: {min(rate):,.0f} to {max(rate):,.0f} {what}"
                    f" a second, {busy:.2f} cores busy, {lost:.1%} dropped"
                )
                rates.append(median(rate))
            name = f"{question}: {what}, two of each"
            ratio = rates[1] / rates[0]
            goal = None if question == CALLS_ALONE else ">= 1.7"
            lines.append(Result(name, rates[1], "1/s", "one of each", ratio, goal, ROUNDS))
    return lines
