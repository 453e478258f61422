"""How long it takes until somebody hears of a call for help, while others walk."""

import asyncio
import time
import uuid
from contextlib import aclosing

from bench.alerts.platform import Helper, Platform, percentile
from bench.report import Result
from tests.ha.outcome import inboxes, key_of, unsent
from tests.ha.people import Caller

POINTS = 2000  # a second


async def latency(running: Platform, watchers: Helper, calls: int, rate: float) -> list[Result]:
    """`calls` calls for help at `rate` a second, open loop, each by the next walker."""
    walkers = Helper("bench.alerts.walkers", str(POINTS), *running.stack.apis)
    try:
        walkers.say(running.journeys)
        await asyncio.to_thread(walkers.heard)
        async with aclosing(Caller(running.stack.apis)) as caller:
            # Plans, connections and Python are warm by then.
            await call_all(running, caller, 100, rate)
            measured = await call_all(running, caller, calls, rate)
        walked = await asyncio.to_thread(walkers.result)
    finally:
        walkers.kill()
    await asyncio.to_thread(wait_until_sent, running, 60)
    shown = await asyncio.to_thread(all_shown, running, watchers)
    return [
        *of_calls(measured),
        *of_watchers(running, measured, shown),
        *of_texts(running, measured),
        Result("points stored meanwhile", walked["stored"] / walked["seconds"], "1/s"),
        Result("a call with ten points, p99", walked["p99"] * 1000, "ms"),
        Result("calls with points that failed", walked["failed"], "calls", goal="<= 0"),
    ]


Measured = dict[str, tuple[str, float, float]]
"""By alert: who called, when, and how long until the answer."""


async def call_all(running: Platform, caller: Caller, calls: int, rate: float) -> Measured:
    """Call at this rate, whether or not the answers keep up."""
    found: Measured = {}

    async def call(walker: str) -> None:
        alert_id, began = str(uuid.uuid4()), time.time()
        await caller.raise_sos(walker, alert_id)
        found[alert_id] = walker, began, time.time() - began

    walkers = running.people.walkers
    due = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number in range(calls):
            due += 1 / rate
            await asyncio.sleep(max(0, due - time.perf_counter()))
            tasks.create_task(call(walkers[number % len(walkers)]))
    return found


def of_calls(measured: Measured) -> list[Result]:
    took = [each[2] * 1000 for each in measured.values()]
    return [
        Result("calls for help", len(took), "calls", goal=">= 1000"),
        Result("call to its answer, p50", percentile(took, 0.5), "ms"),
        Result("call to its answer, p99", percentile(took, 0.99), "ms"),
    ]


def of_watchers(
    running: Platform, measured: Measured, shown: dict[str, list[list[object]]]
) -> list[Result]:
    """Until the last of the contacts who watch was shown it."""
    at: dict[tuple[str, str], float] = {}
    for account, messages in shown.items():
        for _, alert_id, event, when in messages:
            if event == "raised":
                at.setdefault((account, str(alert_id)), float(str(when)))
    took = [
        max(at[account, alert_id] for account in running.people.watched_by[walker]) - began
        for alert_id, (walker, began, _) in measured.items()
    ]
    took = [each * 1000 for each in took]
    what = "call until every online contact has it"
    return [
        Result(f"{what}, p50", percentile(took, 0.5), "ms"),
        Result(f"{what}, p99", percentile(took, 0.99), "ms", goal="<= 100"),
        Result(f"{what}, slowest", max(took), "ms"),
    ]


def of_texts(running: Platform, measured: Measured) -> list[Result]:
    """Until the request for each text message is at the provider."""
    began = {}
    for delivery_id, alert_id in running.db.execute(
        "select delivery_id::text, alert_id::text from core.alert_deliveries where channel = 'sms'"
    ):
        if alert_id in measured:
            began[delivery_id] = measured[alert_id][1]
    first: dict[str, float] = {}
    for record in running.records():
        key = key_of(record)
        if key in began:
            first.setdefault(key, record["at"])
    assert first.keys() == began.keys(), "some were never sent"
    took = [(first[key] - began[key]) * 1000 for key in began]
    return [
        Result("call until its texts are at the provider, p50", percentile(took, 0.5), "ms"),
        Result(
            "call until its texts are at the provider, p99",
            percentile(took, 0.99),
            "ms",
            goal="<= 2000",
        ),
        Result("call until its texts are at the provider, slowest", max(took), "ms"),
    ]


def all_shown(running: Platform, watchers: Helper) -> dict[str, list[list[object]]]:
    """What each account was shown, once it was shown all that is in its inbox."""
    watchers.say({account: len(found) for account, found in inboxes(running.db).items()})
    assert watchers.heard() == "shown\n"
    watchers.say(None)
    found: dict[str, list[list[object]]] = watchers.told()
    return found


def wait_until_sent(running: Platform, seconds: float) -> None:
    """Return once nothing waits to be sent."""
    deadline = time.monotonic() + seconds
    while (left := unsent(running.db)) > 0:
        assert time.monotonic() < deadline, f"{left} deliveries were not sent"
        time.sleep(0.2)
