"""What the gateway costs beside the API process behind it, and what it admits of a flood."""

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import uvloop

from bench.cluster import BenchServer, bench_server
from bench.redis import bench_redis
from bench.report import Result
from bench.rpc.load import drive
from bench.rpc.run import POOL, QUERIES, SECRET, Cores, Requests, Service, command, fill, service
from ops.cluster import free_port
from ops.gateway import Gateway
from tests.nginx import Front, running_gateway
from tests.redis_cluster import TestCluster

ROUNDS = 12
CALLS, CONNECTIONS = 1000, 16
FLOODS, FLOOD_S = 10, 5
RATE, BURST = 200, 400
"""Of one address; the product's own."""
FLOODING = 48
"""Connections of the one that floods."""
WELL_BEHAVED, CALLS_A_SECOND = 20, 5
"""Addresses that call meanwhile, and how often each of them does."""


def gateway() -> list[Result]:
    """Both, with one API process on a core of its own."""
    mine = os.sched_getaffinity(0)
    cores = Cores.of_this_machine()
    os.sched_setaffinity(0, cores.database)
    try:
        with bench_server() as bench, bench_redis() as redis:
            fill(bench)
            with api(bench, redis, cores) as served:
                return [*overhead(served, cores), *floods(served, cores)]
    finally:
        os.sched_setaffinity(0, mine)


@contextmanager
def api(bench: BenchServer, redis: TestCluster, cores: Cores) -> Iterator[Service]:
    """The API process, pinned."""
    port = free_port()
    settings = {
        **redis.settings,
        "SAFEROUTE_ENV_FILE": os.devnull,
        "SAFEROUTE_DATABASE_HOSTS": f"127.0.0.1:{bench.port}",
        "SAFEROUTE_AUTHENTICATOR_PASSWORD": bench.password,
        "SAFEROUTE_API_PROCESSES": "1",
        "SAFEROUTE_DATABASE_CONNECTIONS": str(POOL + 4),
        "SAFEROUTE_JWT_SECRET": SECRET,
        "SAFEROUTE_API_PORT": str(port),
        "SAFEROUTE_ADMIN_PORT": str(free_port()),
        "SAFEROUTE_TRUSTED_PROXIES": "127.0.0.1",
    }
    with service(cores, command("api", port), settings, port) as served:
        yield served


# --- What it costs


def overhead(served: Service, cores: Cores) -> list[Result]:
    """CPU of nginx per call beside that of the API process for the same calls, in turns; and a
    proxy that does nothing but pass them on.
    """
    limits: dict[str, Any] = {"calls_per_s": 100_000, "burst": 100_000, "connections": 10_000}
    with (
        running_gateway(api=(served.port,), workers=1, **limits) as ours,
        running_gateway(api=(served.port,), text=bare_proxy) as bare,
    ):
        os.sched_setaffinity(0, cores.load)
        cpu = uvloop.run(costs(served, {"ours": ours, "bare": bare}))
        os.sched_setaffinity(0, cores.database)
    lines = []
    for endpoint in QUERIES:
        for name, goal in (("ours", "<= 0.15"), ("bare", None)):
            own, behind = cpu[endpoint, name], cpu[endpoint, f"api behind {name}"]
            what = "nginx" if name == "ours" else "nginx that only passes on"
            ratio = median(own) / median(behind)
            lines.append(
                Result(
                    f"{what}: CPU per call, {endpoint} ({min(own):.0f} to {max(own):.0f})",
                    median(own),
                    "µs",
                    f"the API's, {median(behind):.0f} µs",
                    ratio,
                    goal,
                    ROUNDS,
                )
            )
    return lines


def bare_proxy(known: Gateway) -> str:
    """The least that passes calls on by kept connections, and folders that it can write to."""
    folders = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{name}_temp_path temporary/{name};" for name in folders)
    return f"""
daemon off; worker_processes 1; pid nginx.pid; error_log stderr alert;
events {{ worker_connections 1024; }}
http {{
    {temporary} access_log off; keepalive_requests 1000000;
    upstream api {{ server {known.api[0]}; keepalive 64; keepalive_requests 1000000; }}
    proxy_http_version 1.1; proxy_set_header Connection "";
    server {{ listen {known.listen[0]}; location / {{ proxy_pass http://api; }} }}
}}
"""


async def costs(served: Service, fronts: dict[str, Front]) -> dict[tuple[str, str], list[float]]:
    """µs per call, by endpoint and by who used them."""
    requests = Requests()
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for number in range(ROUNDS + 1):
        for endpoint in QUERIES:
            for name, front in fronts.items():
                before = cpu_us([served.process.pid]), cpu_us(front.workers)
                request = requests.of("api", endpoint)
                await drive(front.gateway.port, request, CALLS, CONNECTIONS)
                after = cpu_us([served.process.pid]), cpu_us(front.workers)
                if number:  # the first one warms up
                    found[endpoint, f"api behind {name}"].append((after[0] - before[0]) / CALLS)
                    found[endpoint, name].append((after[1] - before[1]) / CALLS)
    return found


def cpu_us(processes: Sequence[int]) -> float:
    """What they have used, to the nanosecond: ticks of 10 ms are too coarse for nginx."""
    return sum(
        int((thread / "schedstat").read_text().split()[0]) / 1000
        for process in processes
        for thread in Path(f"/proc/{process}/task").iterdir()
    )


# --- What it admits


@dataclass
class Caller(asyncio.Protocol):
    """One kept connection of an address."""

    request: bytes
    answered: list[tuple[float, int]]
    """When it was sent, and the status: what is refused is answered sooner than what is not."""
    pause: float = 0
    """Seconds between an answer and the next call."""
    ends: float = 0
    _sent_at: float = 0
    _transport: asyncio.Transport = field(init=False)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._call()

    def data_received(self, data: bytes) -> None:
        if not data.startswith(b"HTTP/1.1 "):
            return  # the rest of an answer
        self.answered.append((self._sent_at, int(data[9:12])))
        asyncio.get_running_loop().call_later(self.pause, self._call)

    def _call(self) -> None:
        if time.perf_counter() > self.ends or self._transport.is_closing():
            self._transport.close()
        else:
            self._sent_at = time.perf_counter()
            self._transport.write(self.request)


async def flood(port: int, number: int) -> tuple[list[tuple[float, int]], list[tuple[float, int]]]:
    """What became of the calls of one address that floods, and of those that do not."""
    # What the API answers from memory, so that it is not the API that slows the flood down.
    cheap = b"GET /.well-known/jwks.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    usual = Requests().of("api", "my_journeys")(0)
    loop, ends = asyncio.get_running_loop(), time.perf_counter() + FLOOD_S
    greedy: list[tuple[float, int]] = []
    others: list[tuple[float, int]] = []
    often = 1 / CALLS_A_SECOND
    for address, request, answered, pause, connections in (
        (f"127.1.{number}.1", cheap, greedy, 0.0, FLOODING),
        *((f"127.2.{number}.{n}", usual, others, often, 1) for n in range(1, WELL_BEHAVED + 1)),
    ):
        for _ in range(connections):
            caller = Caller(request, answered, pause, ends)
            await loop.create_connection(
                partial(_itself, caller), "127.0.0.1", port, local_addr=(address, 0)
            )
    await asyncio.sleep(ends - time.perf_counter() + 0.5)
    return greedy, others


def _itself(caller: Caller) -> Caller:
    return caller


def floods(served: Service, cores: Cores) -> list[Result]:
    """One address after another floods, each with its burst."""
    rates, bursts, offered, refused, calls = [], [], [], 0, 0
    with running_gateway(api=(served.port,), workers=1) as front:
        os.sched_setaffinity(0, cores.load)
        for number in range(1, FLOODS + 1):
            greedy, others = uvloop.run(flood(front.gateway.port, number))
            rate, burst = admitted(sorted(greedy))
            rates.append(rate)
            bursts.append(burst)
            offered.append(len(greedy) / FLOOD_S)
            refused += sum(status != 200 for _, status in others)
            calls += len(others)
        os.sched_setaffinity(0, cores.database)
    off = max(abs(rate / RATE - 1) for rate in rates) * 100
    return [
        Result(
            f"one address sends {median(offered):,.0f} calls a second: admitted after its burst"
            f" ({min(rates):.1f} to {max(rates):.1f})",
            median(rates),
            "1/s",
            f"configured: {RATE}",
            median(rates) / RATE,
            rounds=FLOODS,
        ),
        Result("the furthest from the configured rate", off, "%", goal="<= 5", rounds=FLOODS),
        Result(
            f"its burst ({min(bursts):.0f} to {max(bursts):.0f})",
            median(bursts),
            "calls",
            f"configured: {BURST}",
            median(bursts) / BURST,
            rounds=FLOODS,
        ),
        Result(
            f"{WELL_BEHAVED} other addresses meanwhile, {calls:,} calls: not answered with 200",
            refused,
            "calls",
            goal="<= 0",
            rounds=FLOODS,
        ),
    ]


def admitted(answers: Sequence[tuple[float, int]]) -> tuple[float, float]:
    """Calls a second once the burst was used up, and how large that was."""
    begun = answers[0][0]
    used_up = next(when for when, status in answers if status == 429)
    passed = [when for when, status in answers if status == 200]
    later = [when for when in passed if when > used_up]
    rate = (len(later) - 1) / (later[-1] - later[0])
    return rate, (len(passed) - len(later)) - rate * (used_up - begun)
