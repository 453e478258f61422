"""How long until somebody hears of a call for help, and whether all are heard whatever dies."""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import uvloop

from bench.alerts.chaos import WHAT, chaos
from bench.alerts.latency import call_all, latency
from bench.alerts.platform import Helper, Platform, platform
from bench.report import Result, show, write_result
from tests.ha.people import Caller

CALLS, RATE = 1050, 15
CHAOS, CHAOS_RATE = 1000, 40


async def measure(running: Platform, watchers: Helper, given: argparse.Namespace) -> list[Result]:
    """Both questions, one after the other."""
    watchers.say(running.people.accounts)
    caller = Caller(running.stack.apis)
    # Whoever watches was shown something once all walkers have called.
    await call_all(running, caller, len(running.people.walkers), RATE)
    await caller.aclose()
    assert watchers.heard() == "ready\n"
    results = []
    if given.calls:
        results += await latency(running, watchers, given.calls, RATE)
    if given.chaos:
        results += await chaos(running, watchers, given.chaos, given.rate)
    return results


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=CALLS, help="calls whose time is taken")
    parser.add_argument("--chaos", type=int, default=CHAOS, help="calls while all is killed")
    parser.add_argument("--rate", type=float, default=CHAOS_RATE, help="of the latter, a second")
    parser.add_argument("--try", dest="is_try", action="store_true", help="record nothing")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="saferoute-bench-") as folder,
        platform(Path(folder)) as running,
    ):
        watchers = Helper("bench.alerts.watchers", *running.stack.gateways)
        try:
            results = uvloop.run(measure(running, watchers, given))
        finally:
            watchers.kill()
    if given.is_try:
        show("Alerts", results)
    else:
        record(results)


def record(results: list[Result]) -> None:
    """Write what was measured; what was not is kept as it was, with the commit it is of."""
    file = Path(__file__).parent / "result.json"
    before = json.loads(file.read_text()) if file.exists() else []
    write_result(file.parent, "Alerts", results)
    measured = json.loads(file.read_text())
    parts = {is_of_chaos(entry) for entry in measured}
    kept = [entry for entry in before if is_of_chaos(entry) not in parts]
    entries = sorted([*measured, *kept], key=is_of_chaos)
    file.write_text(json.dumps(entries, indent=2, ensure_ascii=False) + "\n")


def is_of_chaos(entry: dict[str, Any]) -> bool:
    measure: str = entry["measure"]
    return measure.startswith(WHAT)


if __name__ == "__main__":
    main()
