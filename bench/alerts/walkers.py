"""People who walk, in a process of their own: `python -m bench.alerts.walkers RATE URL...` posts
RATE points a second, ten in a call, until its input ends; then it prints how many were stored, in
how many seconds, and the 99th percentile of a call in seconds.

Standard input begins with a JSON array of [person, journey].
"""

import asyncio
import itertools
import json
import sys
import time
from datetime import UTC, datetime, timedelta
from statistics import quantiles
from typing import Any

import aiohttp
import uvloop

from tests.ha.people import LAT, LON, token

_POINTS = 10  # in a call
_ANSWERED_S = 10


class Walkers:
    """All of them, one call after another."""

    def __init__(self, urls: list[str], walks: list[list[str]]) -> None:
        self._urls = urls
        self._walks = [
            (journey, {"Authorization": f"Bearer {token(person)}"}) for person, journey in walks
        ]
        self._numbers = itertools.count()
        self._since = datetime.now(UTC) - timedelta(hours=1)
        self._client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ANSWERED_S))
        self.stored = 0
        self.failed = 0
        self.times: list[float] = []

    async def post(self) -> None:
        number = next(self._numbers)
        journey, headers = self._walks[number % len(self._walks)]
        at = self._since + timedelta(milliseconds=100 * number)
        points: list[dict[str, Any]] = [
            {"recorded_at": (at + timedelta(milliseconds=n)).isoformat(), "lon": LON, "lat": LAT}
            for n in range(_POINTS)
        ]
        url = f"{self._urls[number % len(self._urls)]}/rpc/record_points"
        began = time.perf_counter()
        try:
            body = {"journey_id": journey, "points": points}
            async with self._client.post(url, json=body, headers=headers) as answer:
                answer.raise_for_status()
                await answer.read()
        except (aiohttp.ClientError, TimeoutError):
            self.failed += 1
        else:
            self.stored += _POINTS
        self.times.append(time.perf_counter() - began)

    async def aclose(self) -> None:
        await self._client.close()


async def main(rate: float, urls: list[str]) -> None:
    """Post at this rate, whether or not the answers keep up."""
    walkers = Walkers(urls, json.loads(sys.stdin.readline()))
    ended = asyncio.create_task(asyncio.to_thread(sys.stdin.readline))
    print("ready", flush=True)
    calls: set[asyncio.Task[None]] = set()
    began = due = time.perf_counter()
    while not ended.done():
        due += _POINTS / rate
        await asyncio.sleep(max(0, due - time.perf_counter()))
        call = asyncio.create_task(walkers.post())
        calls.add(call)
        call.add_done_callback(calls.discard)
    await asyncio.gather(*calls)
    await walkers.aclose()
    seconds = time.perf_counter() - began
    p99 = quantiles(walkers.times, n=100)[98]
    found = {
        "stored": walkers.stored,
        "failed": walkers.failed,
        "seconds": seconds,
        "p99": p99,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    uvloop.run(main(float(sys.argv[1]), sys.argv[2:]))
