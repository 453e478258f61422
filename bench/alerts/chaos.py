"""Calls for help while the platform is killed piece by piece, for as long as they last."""

import asyncio
import itertools
import time
from contextlib import aclosing

from bench.alerts.latency import all_shown, call_all, wait_until_sent
from bench.alerts.platform import Helper, Platform, percentile
from bench.report import Result
from tests.ha.outcome import outcome
from tests.ha.people import Caller

DEAD_S = 0.5  # before it is started again
APART_S = 1.0  # from when it is ready to the next one's end
WHAT = "killed in turn"
WORDS = {
    "missing": "contacts and channels that were not told",
    "unsent": "messages that no provider got",
    "other_keys": "messages told twice under different keys",
    "unknown": "messages at providers that no delivery knows",
    "not_shown": "alerts that a watcher was not shown",
    "shown_again": "alerts shown twice or out of order",
    "broken_chains": "problems in the chains of events",
}
VICTIMS = ["live-1", "alarm-1", "beat-1", "api-1", "redis", "live-2", "alarm-2", "api-2"]


async def chaos(running: Platform, watchers: Helper, calls: int, rate: float) -> list[Result]:
    """`calls` calls for help at `rate` a second; none may be lost, and none be told twice."""
    began = time.monotonic()
    async with aclosing(Caller(running.stack.apis)) as caller:
        killing = asyncio.create_task(kill_in_turn(running))
        measured = await call_all(running, caller, calls, rate)
        killing.cancel()
        killed = await killing
    called = time.monotonic() - began
    await asyncio.to_thread(running.redis.heal)
    for process in running.stack.processes.values():
        if process.running is None:
            await asyncio.to_thread(process.restart)
    await asyncio.to_thread(wait_until_sent, running, 120 + calls / 10)
    sent = time.monotonic() - began
    shown = await asyncio.to_thread(all_shown, running, watchers)
    found = outcome(
        running.db,
        running.records(),
        {account: [int(str(each[0])) for each in messages] for account, messages in shown.items()},
    )
    took = [each[2] * 1000 for each in measured.values()]
    results = [
        Result(f"{WHAT}: calls for help", len(took), "calls"),
        Result(f"{WHAT}: processes and masters", killed, "kills"),
        Result(f"{WHAT}: tries of calls", caller.tries, "tries"),
        Result(f"{WHAT}: call to its answer, p99", percentile(took, 0.99), "ms"),
        Result(f"{WHAT}: slowest call", max(took), "ms"),
        Result(f"{WHAT}: from the last call until all was sent", sent - called, "s"),
        Result(f"{WHAT}: sent again under the same key", found.sent_again, "messages"),
    ]
    for name, words in WORDS.items():
        results.append(Result(f"{WHAT}: {words}", getattr(found, name), "", goal="<= 0"))
    return results


async def kill_in_turn(running: Platform) -> int:
    """One after another, for ever; how many there were."""
    killed = 0
    masters = itertools.cycle(running.people.accounts)
    try:
        for victim in itertools.cycle(VICTIMS):
            if victim == "redis":
                topic = f"live:{{user:{next(masters)}}}"
                master = await asyncio.to_thread(running.redis.master_of, topic)
                running.redis.kill(master)
            else:
                running.stack[victim].kill()
            killed += 1
            await asyncio.sleep(DEAD_S)
            back = running.redis.heal if victim == "redis" else running.stack[victim].restart
            # To its end, even where the calls end first.
            await asyncio.shield(asyncio.to_thread(back))
            await asyncio.sleep(APART_S)
    except asyncio.CancelledError:
        pass
    return killed
