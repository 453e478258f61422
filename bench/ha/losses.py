"""Whether what was acknowledged is there after failovers, and whether two servers ever wrote."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import cycle, islice

from bench.ha import runs
from bench.ha.outages import FAULTS, VARIANTS
from bench.ha.runs import Run
from bench.report import Result
from ops.ha.cluster import is_whole
from ops.ha.inventory import POSTGRES_PORT, Host
from tests.ha.scene import Load, Scene, wait_for

IN_A_RUN = 5
"""Failovers while the same people go on: all begin with a cluster that is whole."""
RUNS = {"replication stalled": 4, "partition": 4}
_STALLED_S = 2.0
_WHOLE_S = 120.0


def _stalled_by_signal(scene: Scene, load: Load, primary: Host) -> None:
    """The standbys' receivers are stopped, then the primary's PostgreSQL and Patroni killed."""
    with scene.faults.stopped(scene.faults.replication()):
        load.for_s(_STALLED_S)
        scene.faults.kill_patroni(primary, with_postgres=True)
    load.until_written_elsewhere(primary)
    load.goes_on()


def _stalled_by_network(scene: Scene, load: Load, primary: Host) -> None:
    """What goes between PostgreSQL on the hosts is dropped, then the primary's host dies."""
    with scene.faults.cut_off(primary, ports=[POSTGRES_PORT]):
        load.for_s(_STALLED_S)
        scene.faults.die(primary)
        load.until_written_elsewhere(primary)
        load.goes_on()
    scene.faults.come_back(primary)


def _partition(incoming: bool, outgoing: bool, scene: Scene, load: Load, primary: Host) -> None:
    """The primary is cut off from the other hosts, and not from gateways and clients."""
    with scene.faults.cut_off(primary, incoming=incoming, outgoing=outgoing):
        load.until_written_elsewhere(primary)
        load.goes_on()


Strike = Callable[[Scene, Load, Host], None]
STRIKES: dict[str, list[Strike]] = {
    "replication stalled": [_stalled_by_signal, _stalled_by_network],
    "partition": [
        partial(_partition, True, True),
        partial(_partition, True, False),
        partial(_partition, False, True),
    ],
}


def run(scene: Scene, what: str) -> Run:
    """Some failovers while people use the platform."""
    strikes = STRIKES[what]
    # Each run begins with another one.
    begin = len(runs.of(what)) * IN_A_RUN
    with scene.load(what) as load:
        for strike in islice(cycle(strikes), begin, begin + IN_A_RUN):
            wait_for(lambda: is_whole(scene.cluster), "PostgreSQL whole", _WHOLE_S)
            # The next commit may be the last one that is acknowledged.
            load.goes_on()
            primary = scene.faults.primary()
            load.struck = time.monotonic()
            strike(scene, load, primary)
    figures = scene.measured[-1].figures
    counts = {"sos": figures.sos, "points": figures.points, "points lost": figures.points_lost}
    return Run(what, IN_A_RUN, {}, counts)


def results() -> list[Result]:
    """Of all failovers that were made, those of the outages too."""
    made = [run for run in runs.known() if run.what in FAULTS | VARIANTS | STRIKES]
    if not made:
        return []
    failovers = sum(run.failovers for run in made)
    of_stalled = sum(run.failovers for run in made if run.what == "replication stalled")
    of_partitions = sum(run.failovers for run in made if run.what == "partition")
    lost, split = (sum(run.broken.get(rule, 0) for run in made) for rule in LOSSES)
    others = sum(sum(run.broken.values()) for run in made) - lost - split
    points, gone = (sum(run.counts.get(name, 0) for run in made) for name in POINTS)
    lines = [
        Result("failovers", failovers, "", goal=">= 50"),
        Result("failovers with replication stalled", of_stalled, "", goal=">= 20"),
        Result("partitions", of_partitions, "", goal=">= 20"),
        Result("calls for help acknowledged", sum(run.counts.get("sos", 0) for run in made), ""),
        Result("acknowledged calls for help or journeys lost", lost, "", goal="<= 0"),
        Result("writes of an old primary", split, "", goal="<= 0"),
        Result("other rules of the checker broken", others, "", goal="<= 0"),
        Result("positions lost of a million acknowledged", gone / max(points, 1) * 1e6, ""),
    ]
    return [replace(line, rounds=len(made)) for line in lines]


LOSSES = ("lost", "two primaries")
POINTS = ("points", "points lost")
