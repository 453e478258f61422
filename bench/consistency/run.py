"""What it costs to read one's own writes from a standby, and whether one does."""

import asyncio
import itertools
import time
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median, quantiles

import asyncpg
import uvloop

from api.consistency import Position
from api.servers import Servers
from bench.consistency.pairs import Outcome, write_and_read
from bench.consistency.servers import Pair, api, pair
from bench.report import Result, write_result

PAIRS = 10_000
DELAY_MS = 30
ROUNDS = 15
READS, WRITES = 2000, 1000  # of each way in each round
IN_FLIGHT = (1, 16)
CLAIMS = f'{{"role":"authenticated","sub":"{uuid.uuid4()}"}}'
CALL = "select * from core.call($1, $2, $3, $4, $5, $6, $7, $8, $9)"
LIST = (
    *("authenticated", True, CLAIMS, "GET", "/rpc/my_journeys", "{}", "bench"),
    *("select api.my_journeys()::text", "{}"),
)
Way = Callable[[], Awaitable[object]]


def start_journey() -> tuple[object, ...]:
    """A journey of its own each time."""
    statement = "select api.start_journey(($1->>'id')::uuid, -1.98, 51.22)::text"
    return (
        *("authenticated", False, CLAIMS, "POST", "/rpc/start_journey", "{}", "bench"),
        *(statement, f'{{"id":"{uuid.uuid4()}"}}'),
    )


async def timed(way: Way, count: int, in_flight: int) -> tuple[float, float]:
    """Elapsed time and CPU of this process for each call, in µs."""
    numbers = itertools.count()

    async def drive() -> None:
        while next(numbers) < count:
            await way()

    cpu, began = time.process_time(), time.perf_counter()
    await asyncio.gather(*(drive() for _ in range(in_flight)))
    return (time.perf_counter() - began) / count * 1e6, (time.process_time() - cpu) / count * 1e6


async def alternate(ways: dict[str, Way], count: int, in_flight: int) -> dict[str, list[float]]:
    """Each way in turn, in every round: µs by name, CPU under the name and ` cpu`."""
    figures: dict[str, list[float]] = defaultdict(list)
    for _ in range(ROUNDS):
        for name, way in ways.items():
            elapsed, cpu = await timed(way, count, in_flight)
            figures[name].append(elapsed)
            figures[f"{name} cpu"].append(cpu)
    return figures


@asynccontextmanager
async def connected(servers: Pair):
    """The API's way to the servers, in this process, and a pool of asyncpg to the standby."""
    routed = Servers(servers.settings, lambda: None)
    await routed.open()
    direct = await asyncpg.create_pool(  # 16 of its connections are taken one by one
        host="127.0.0.1",
        port=servers.standby_port,
        user="authenticator",
        password=servers.primary.password,
        database="saferoute",
        min_size=16,
        max_size=32,
        reset=_no_reset,
    )
    try:
        yield routed, direct
    finally:
        direct.terminate()
        await routed.close()


async def _no_reset(_connection: asyncpg.Connection) -> None:
    pass


async def reads(routed: Servers, direct: asyncpg.Pool, results: list[Result]) -> None:
    """A read of the standby through the API's way there, and by one who knows where it is."""
    token = await seen_by_all(routed)
    free = [await direct.acquire() for _ in range(max(IN_FLIGHT))]

    async def by_pool() -> None:
        async with direct.acquire() as connection:
            await connection.fetch(CALL, *LIST)

    async def by_connection() -> None:
        connection = free.pop()
        await connection.fetch(CALL, *LIST)
        free.append(connection)

    ways: dict[str, Way] = {
        "direct": by_connection,
        "pool": by_pool,
        "routed": lambda: routed.read(CALL, LIST, 5),
        "routed, token": lambda: routed.read(CALL, LIST, 5, after=token),
    }
    for in_flight in IN_FLIGHT:
        figures = await alternate(ways, READS, in_flight)
        for name, what in (("routed", "without"), ("routed, token", "with")):
            for peer, against, goal in (
                ("direct", "bare connection to the standby", "<= 1.35"),
                ("pool", "asyncpg's pool to the standby", None),
            ):
                value = median(figures[name])
                ratio = value / median(figures[peer])
                measure = f"read {what} token, {in_flight} in flight"
                results.append(Result(measure, value, "µs", against, ratio, goal, ROUNDS))


async def seen_by_all(routed: Servers) -> Position:
    """A position that the standby is known to have replayed."""
    position = await routed.position()
    assert position is not None
    while not all(report.reads for report in routed.reports() if report.state == "standby"):
        await asyncio.sleep(0.1)
    await asyncio.sleep(2)
    return position


async def writes(routed: Servers, results: list[Result]) -> None:
    """A write with the token read after it, and without."""

    async def write() -> None:
        await routed.write(CALL, start_journey(), 5)

    async def write_with_token() -> None:
        await write()
        assert await routed.position() is not None

    for in_flight in IN_FLIGHT:
        ways: dict[str, Way] = {"without": write, "with": write_with_token}
        figures = await alternate(ways, WRITES, in_flight)
        for suffix, what in (("", "write with token"), (" cpu", "CPU of a write with token")):
            value = median(figures[f"with{suffix}"])
            ratio = value / median(figures[f"without{suffix}"])
            measure = f"{what}, {in_flight} in flight"
            results.append(Result(measure, value, "µs", "without", ratio, None, ROUNDS))


def told(outcome: Outcome, what: str, goal: str | None) -> list[Result]:
    """How many were stale, and how long the reads took."""
    of = f"stale of {outcome.pairs:,} reads after a write, {what}"
    percentiles = quantiles(outcome.read_ms, n=100)
    return [
        Result(of, outcome.stale, "reads", goal=goal),
        Result(f"read {what}, median", percentiles[49], "ms"),
        Result(f"read {what}, 99 %", percentiles[98], "ms"),
    ]


async def in_this_process(servers: Pair) -> list[Result]:
    """The cost, without HTTP around it."""
    results: list[Result] = []
    async with connected(servers) as (routed, direct):
        await reads(routed, direct, results)
        await writes(routed, results)
    return results


def main() -> None:
    """Measure and write the result."""
    with pair() as servers:
        results = uvloop.run(in_this_process(servers))
        servers.delay_replay(DELAY_MS)
        with api(servers) as port:
            for with_token, goal in ((False, None), (True, "<= 0")):
                outcome = uvloop.run(write_and_read(port, PAIRS, with_token=with_token))
                results += told(outcome, f"{'with' if with_token else 'without'} token", goal)
    write_result(Path(__file__).parent, "Reading one's own writes", results)


if __name__ == "__main__":
    main()
