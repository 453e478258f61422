"""What high availability costs and gives: what a second instance adds, how long nothing is
acknowledged when something dies, and whether anything is lost. Every run that breaks things is
written to `runs.jsonl`, and not made again.
"""

import argparse
import json
import re
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import httpx
import psycopg
from rich.progress import Progress

from bench.ha import losses, outages, runs
from bench.ha.gateway import gateway
from bench.ha.platform import platform
from bench.ha.runs import Run
from bench.ha.scale import scale
from bench.report import Result, write_result
from ops.errors import OperatorError
from tests.ha.scene import Scene

PARTS = ("scale", "gateway", "outages", "loss", "variants")
FILE = Path(__file__).parent / "result.json"
_FAILED = (AssertionError, OperatorError, psycopg.Error, httpx.HTTPError)


def main() -> None:
    """Measure what is asked for and missing, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS, action="append", help="this part, or these")
    parser.add_argument("--told", action="store_true", help="measure nothing: what runs.jsonl says")
    given = parser.parse_args()
    parts = () if given.told else given.only or PARTS
    # Whoever ends it so finds no simulated hosts left.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    measured = {}
    if "scale" in parts:
        measured["scale"] = scale()
    if "gateway" in parts:
        measured["gateway"] = gateway()
    break_things(parts)
    record(measured | {"outages": outages.results(), "loss": losses.results()})


def break_things(parts: Sequence[str]) -> None:
    """The runs that are missing."""
    wanted = dict.fromkeys(outages.FAULTS, outages.RUNS) if "outages" in parts else {}
    wanted |= losses.RUNS if "loss" in parts else {}
    left = runs.missing(wanted)
    if "variants" in parts:
        left += runs.missing(dict.fromkeys(outages.VARIANTS, outages.VARIANT_RUNS))
    if not left:
        return
    with platform() as scene, Progress() as progress:
        task = progress.add_task("", total=len(left))
        for what in left:
            progress.update(task, description=what)
            runs.keep(attempt(scene, what))
            progress.advance(task)


def attempt(scene: Scene, what: str) -> Run:
    """A run. One that breaks a rule is a result too; one after which the cluster does not become
    whole ends the benchmark.
    """
    make: Callable[[Scene, str], Run] = losses.run if what in losses.STRIKES else outages.run
    before = len(scene.measured)
    try:
        return make(scene, what)
    except _FAILED as error:
        scene.wait_until_whole()
        why = str(error)
        print(f"{what}: {why}")
        rules = re.findall(r"(?m)^([a-z ]+): (\d+)$", why)
        broken = {rule: int(number) for rule, number in rules} or {"did not end": 1}
        failed = Run(what, 0, broken=broken, why=why[:4000])
        if len(scene.measured) == before:
            return failed
        return replace(failed, failovers=losses.IN_A_RUN if what in losses.STRIKES else 1)


def record(measured: dict[str, list[Result]]) -> None:
    """Write the result; the last one is kept of a part that was not measured now."""
    before = json.loads(FILE.read_text()) if FILE.exists() else []
    found = {part: results for part, results in measured.items() if results}
    write_result(FILE.parent, "High availability", [each for of in found.values() for each in of])
    parts = [part for part, results in found.items() for _ in results]
    new = zip(parts, json.loads(FILE.read_text()), strict=True)
    entries = [entry | {"part": part} for part, entry in new]
    entries += [entry for entry in before if entry["part"] not in found]
    entries.sort(key=lambda entry: PARTS.index(entry["part"]))
    FILE.write_text(json.dumps(entries, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
