"""One of the processes that share a limit: `python -m bench.limits.callers SECONDS` prints what was
admitted when, and how long the slowest check took.

It calls in bursts, at the same moments as the others: that is what a counter of two windows takes
worst.
"""

import asyncio
import json
import random
import sys
import time
from collections import Counter
from typing import Any

import uvloop
from prometheus_client import REGISTRY

from api.errors import RequestError
from api.lines import Lines
from bench.limits.cost import limits_of, person, row
from common.redis import Redis
from common.settings import settings

AMOUNT, WINDOW = 100, 2
KINDS = {"moving window": "routes", "counter": "reads"}
"""A class of endpoints for each kind of limit."""
_PAUSE = 0.004
_BURST = 0.5  # seconds


async def main(seconds: float) -> dict[str, Any]:
    """Both kinds of limit side by side."""
    redis = Redis(settings())
    await redis.warm()
    lines = Lines(redis)
    limits = limits_of(
        redis,
        lines,
        [
            row(KINDS["moving window"], AMOUNT, WINDOW, is_hard=True),
            row(KINDS["counter"], AMOUNT, WINDOW, is_hard=False),
        ],
    )
    print("ready", flush=True)
    begins = float(await asyncio.to_thread(sys.stdin.readline))
    found = dict(
        zip(
            KINDS,
            await asyncio.gather(
                *(_call(limits, kind, begins, seconds) for kind in KINDS.values())
            ),
            strict=True,
        )
    )
    await lines.close()
    await redis.aclose()
    return found


async def _call(limits: Any, kind: str, begins: float, seconds: float) -> dict[str, Any]:
    caller, admitted, slowest = person(1), [], 0.0
    outcomes: Counter[str] = Counter()
    await asyncio.sleep(begins - time.time())
    while (now := time.time()) < begins + seconds:
        if random.Random(int(now / _BURST)).random() < 0.5:
            await asyncio.sleep(_PAUSE)
            continue
        began = time.perf_counter()
        try:
            await limits.admit(kind, caller, "127.0.0.1")
            admitted.append((now, time.time()))
        except RequestError as refusal:
            outcomes[refusal.code] += 1
        slowest = max(slowest, time.perf_counter() - began)
        await asyncio.sleep(_PAUSE * random.random())
    labels = {"class": kind, "subject": "user", "decision": "admitted", "store": "process"}
    alone = REGISTRY.get_sample_value("saferoute_limit_decisions_total", labels)
    refused = outcomes.total()
    return {"admitted": admitted, "alone": alone, "refused": refused, "slowest": slowest}


if __name__ == "__main__":
    print(json.dumps(uvloop.run(main(float(sys.argv[1])))))
