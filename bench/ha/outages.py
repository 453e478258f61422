"""How long nothing is acknowledged when the primary goes, one way or another."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.ha import etcd, host_list, runs
from bench.ha.etcd import Seen
from bench.ha.runs import Run, spread, values
from bench.report import Result
from ops.ha.files import DCS
from ops.ha.inventory import Host
from tests.ha.history import History
from tests.ha.scene import Load, Scene

RUNS, VARIANT_RUNS = 10, 5
WRITES = ("sos", "points", "journey")
READS = ("read", "browse")
_FENCED_S = 2.0


@contextmanager
def _postmaster_killed(scene: Scene, primary: Host) -> Iterator[None]:
    scene.faults.kill_postgres(primary)
    yield


@contextmanager
def _switched_over(scene: Scene, primary: Host) -> Iterator[None]:
    scene.cluster.patroni.switch_over(primary.name)
    yield


@contextmanager
def _host_dead(scene: Scene, primary: Host) -> Iterator[None]:
    with scene.faults.dead(primary):
        yield


@contextmanager
def _host_dead_and_removed(scene: Scene, primary: Host) -> Iterator[None]:
    """As where something knows for certain that the host is off, and says so."""
    with scene.faults.dead(primary):
        time.sleep(_FENCED_S)
        etcd.remove_key(scene, primary)
        yield


@dataclass(frozen=True)
class Fault:
    """What is done to the primary."""

    strike: Callable[[Scene, Host], AbstractContextManager[None]]
    goal: str | None = None
    prepare: Callable[[Scene, Host], None] = lambda _scene, _primary: None
    """What is seen to before."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Of Patroni, meanwhile."""


FAULTS = {
    "postmaster killed": Fault(_postmaster_killed, "<= 4"),
    "switchover": Fault(_switched_over, "<= 3"),
    "host dead": Fault(_host_dead, "<= 25"),
}
VARIANTS = {
    "host dead, etcd led by it": Fault(_host_dead, prepare=etcd.lead),
    "host dead, etcd led elsewhere": Fault(_host_dead, prepare=etcd.lead_elsewhere),
    "host dead, etcd led elsewhere, loop_wait 10": Fault(
        _host_dead, prepare=etcd.lead_elsewhere, settings={"loop_wait": 10}
    ),
    "postmaster killed, loop_wait 10": Fault(_postmaster_killed, settings={"loop_wait": 10}),
    "host dead, its key removed after 2 s": Fault(_host_dead_and_removed),
}
"""What bounds the outage, and what a setting trades."""


def run(scene: Scene, what: str) -> Run:
    """One failover while people use the platform."""
    fault = (FAULTS | VARIANTS)[what]
    folder = Path(tempfile.mkdtemp(prefix="saferoute-bench-outage-"))
    _configure(scene, fault.settings)
    primary = scene.faults.primary()
    fault.prepare(scene, primary)
    led = scene.faults.etcd_leader() == primary
    try:
        with (
            host_list.writing(scene, folder),
            etcd.watched(scene, primary) as key,
            scene.load(what) as load,
            fault.strike(scene, primary),
        ):
            load.until_written_elsewhere(primary)
            load.goes_on()
        seconds = _timed(load, host_list.read(folder), primary, key)
        seconds["whole"] = round(scene.measured[-1].whole_s, 1)
        figures = scene.measured[-1].figures
        counts = {"sos": figures.sos, "points": figures.points, "points lost": figures.points_lost}
        counts |= {"reads": figures.reads, "reads tried again": figures.reads_tried_again}
        counts["reads without an answer"] = figures.reads_unanswered
        counts["etcd led by it"] = int(led)
        return Run(what, 1, seconds, counts)
    finally:
        _configure(scene, {name: DCS[name] for name in fault.settings})
        shutil.rmtree(folder)


def _configure(scene: Scene, settings: dict[str, Any]) -> None:
    if settings:
        scene.cluster.patroni.configure(settings)
        # Until each member has seen it, and the lease is renewed by it.
        time.sleep(12)


def _timed(load: Load, listed: History, primary: Host, key: Seen) -> dict[str, float]:
    history = load.history()
    until = max(call.ended or 0 for call in history.calls)
    seconds = {kind: history.outage(kind, load.struck, until) for kind in (*WRITES, *READS)}
    seconds["any write"] = _silence(history, WRITES, load.struck)
    seconds["any read"] = _silence(history, READS, load.struck)
    seconds["host list"] = listed.outage(host_list.KIND, load.struck, until)
    direct = [
        call.ended
        for call in history.acknowledged("direct")
        if call.server != primary.name and call.ended is not None and call.ended > load.struck
    ]
    moments = {"key gone": key.gone, "key taken": key.taken, "promoted": min(direct, default=None)}
    for name, moment in moments.items():
        if moment is not None:
            seconds[name] = moment - load.struck
    return {name: round(value, 3) for name, value in seconds.items()}


def _silence(history: History, kinds: tuple[str, ...], since: float) -> float:
    """The longest time in which the platform said yes to no call of any of the kinds."""
    ended = sorted(call.ended or 0 for call in history.acknowledged(*kinds))
    before = max((at for at in ended if at <= since), default=since)
    return max(b - a for a, b in pairwise([before, *(at for at in ended if at > since)]))


def results() -> list[Result]:
    """Medians, with the ranges; of the runs that are known."""
    lines = []
    for what, fault in (FAULTS | VARIANTS).items():
        made = runs.of(what)
        for name, of, goal in (
            ("calls for help", "sos", fault.goal),
            ("any write", "any write", None),
            ("host list", "host list", None),
            ("reads", "any read", None),
        ):
            found = values(made, lambda run, of=of: run.seconds.get(of))
            if found:
                lines.append(_line(f"{what}: no yes, {name}", found, goal))
        errors = sum(run.counts.get("reads without an answer", 0) for run in made)
        if made and what in FAULTS:
            measure = f"{what}: reads without an answer"
            lines.append(Result(measure, errors, "reads", goal="<= 0", rounds=len(made)))
    return lines


def _line(measure: str, found: list[float], goal: str | None) -> Result:
    middle = found[len(found) // 2] if len(found) % 2 else sum(found[len(found) // 2 - 1 :][:2]) / 2
    return Result(f"{measure} ({spread(found)})", middle, "s", goal=goal, rounds=len(found))
