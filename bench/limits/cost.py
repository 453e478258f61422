"""What one check costs: wall time and CPU, beside one round trip of the same client."""

import asyncio
import contextlib
import gc
import random
import resource
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, cast

from limits import RateLimitItemPerMinute
from limits.aio.storage import RedisClusterStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from api.catalogue import Catalogue, Contents
from api.limits import Limits
from api.lines import Lines
from api.policies import by_class
from api.tokens import Caller
from common.redis import Redis, RedisGoneError
from common.settings import Settings

STOCK = "the library's counter"
CALLS = 400  # of each contender in each round
CALLERS = 500


@dataclass(frozen=True)
class Fixed:
    """A catalogue that holds these limits and nothing else."""

    contents: Contents


def limits_of(redis: Redis, lines: Lines, rows: Sequence[dict[str, Any]]) -> Limits:
    """The product's limiter with these rows of the table."""
    contents = Contents(
        functions={},
        timeouts={},
        statuses={"SR047": 503, "SR070": 429},
        meanings={"SR047": ("Not now.", None), "SR070": ("Too many requests.", None)},
        priority_classes=frozenset(),
        path_classes={},
        policies=by_class(rows),
    )
    return Limits(redis, lines, cast(Catalogue, Fixed(contents)))


def row(kind: str, amount: int, window_s: int, *, is_hard: bool) -> dict[str, Any]:
    """A row of the table: a limit for each person."""
    return {
        "class": kind,
        "subject": "user",
        "api_key_id": None,
        "amount": amount,
        "window_s": window_s,
        "is_hard": is_hard,
    }


def person(number: int) -> Caller:
    """A signed-in caller."""
    user_id = f"00000000-0000-4000-8000-{number:012}"
    return Caller("authenticated", "{}", True, float("inf"), user_id)


@dataclass(frozen=True)
class Cost:
    """Microseconds of one call."""

    wall: float
    cpu: float


async def measure(settings: Settings, rounds: int, in_flight: int) -> dict[str, list[Cost]]:
    """Every contender in each round, in random order."""
    redis = Redis(settings)
    if not await redis.warm():
        raise SystemExit("bench: the Redis Cluster is not up")
    lines = Lines(redis)
    rows = [row("reads", 10**6, 60, is_hard=False), row("codes", 1000, 60, is_hard=True)]
    limits = limits_of(redis, lines, rows)
    stock = SlidingWindowCounterRateLimiter(
        RedisClusterStorage(
            f"async+redis+cluster://:{password(settings)}@{settings.redis_hosts}",
            implementation="redispy",
        )
    )
    item = RateLimitItemPerMinute(10**6)
    people = [person(number) for number in range(CALLERS)]
    keys = [f"bench:{number}" for number in range(CALLERS)]
    contenders: dict[str, Callable[[int], Awaitable[Any]]] = {
        STOCK: lambda n: stock.hit(item, keys[n % CALLERS]),
        "GET": lambda n: redis.get(keys[n % CALLERS]),
        "INCR": lambda n: redis.incr(keys[n % CALLERS]),
        "counter": lambda n: limits.admit("reads", people[n % CALLERS], "127.0.0.1"),
        "moving window": lambda n: limits.admit("codes", people[n % CALLERS], "127.0.0.1"),
    }
    for ever_more in range(in_flight):  # redis-py 8.1 fails where it opens several at once
        await asyncio.gather(*(stock.hit(item, "warm") for _ in range(ever_more + 1)))
    found = defaultdict(list)
    gc.freeze()
    for number in range(rounds + 1):
        for name in random.sample(list(contenders), len(contenders)):
            cost = await _undisturbed(redis, contenders[name], in_flight)
            if number:  # the first warms up
                found[name].append(cost)
    await lines.close()
    await redis.aclose()
    return found


async def _undisturbed(
    redis: Redis, contender: Callable[[int], Awaitable[Any]], in_flight: int
) -> Cost:
    """Measured anew where Redis was gone meanwhile: a machine that does other things is slow."""
    while True:
        with contextlib.suppress(RedisGoneError):
            cost = await _cost(contender, in_flight)
            if redis.is_up:
                return cost
        while not redis.is_up:
            await asyncio.sleep(0.1)


async def _cost(contender: Callable[[int], Awaitable[Any]], in_flight: int) -> Cost:
    async def worker(first: int) -> None:
        for number in range(first, CALLS, in_flight):
            await contender(number)

    began, cpu = time.perf_counter(), _cpu()
    await asyncio.gather(*(worker(first) for first in range(in_flight)))
    took = (time.perf_counter() - began) * in_flight / CALLS
    return Cost(took * 1e6, (_cpu() - cpu) / CALLS * 1e6)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def password(settings: Settings) -> str:
    """Of the Redis Cluster."""
    assert settings.redis_password is not None
    return settings.redis_password.get_secret_value()


def of(costs: Sequence[Cost], what: str) -> float:
    """The median of the rounds."""
    return median(getattr(cost, what) for cost in costs)
