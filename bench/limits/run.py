"""What a check costs, and whether limits hold when many processes share one."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvloop

from bench.limits import cost
from bench.limits.callers import AMOUNT, KINDS, WINDOW
from bench.report import REPOSITORY, Result, write_result
from common.settings import Settings
from tests.redis_cluster import TestCluster, start_cluster

PROCESSES = 8
ROUNDS = 25
SECONDS = 60
KILL_SECONDS, KILL_AFTER = 20, 5


@contextmanager
def cluster() -> Iterator[TestCluster]:
    """Three masters and three replicas that nobody else uses."""
    folder = Path(tempfile.mkdtemp(prefix="saferoute-bench-"))
    folder.chmod(0o755)
    running = start_cluster(folder)
    try:
        yield running
    finally:
        for node in running.nodes:
            if node.port in running.processes:
                running.kill(node)
        shutil.rmtree(folder)


def costs(running: TestCluster) -> list[Result]:
    """A check beside a round trip that writes: the least that a limit needs."""
    hosts, password = running.settings.values()
    settings = Settings(redis_hosts=hosts, redis_password=password)
    results = []
    for in_flight in (1, 16):
        found = uvloop.run(cost.measure(settings, ROUNDS, in_flight))
        for name in ("counter", "moving window", cost.STOCK):
            for what in ("wall", "cpu"):
                value = cost.of(found[name], what)
                for peer in ("INCR", "GET"):
                    has_goal = what == "wall" and name == "counter" and peer == "INCR"
                    results.append(
                        Result(
                            f"{name}, {in_flight} in flight, {what}",
                            value,
                            "us",
                            f"{peer}, the same client",
                            value / cost.of(found[peer], what),
                            "<= 1.3" if has_goal else None,
                            ROUNDS,
                        )
                    )
    return results


class Callers:
    """Processes that call until their time is over."""

    def __init__(self, running: TestCluster, seconds: float) -> None:
        """All begin at once."""
        command = [sys.executable, "-m", "bench.limits.callers", str(seconds)]
        environment = {"PATH": os.environ["PATH"], **running.settings}
        self._processes = [
            subprocess.Popen(
                command,
                cwd=REPOSITORY,
                env=environment | {"SAFEROUTE_ENV_FILE": "/nonexistent"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(PROCESSES)
        ]
        for process in self._processes:
            assert process.stdout is not None
            process.stdout.readline()
        self.begins = time.time() + 0.5
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write(f"{self.begins}\n")
            process.stdin.flush()

    def results(self) -> list[dict[str, Any]]:
        """What each of them saw."""
        return [json.loads(process.communicate()[0]) for process in self._processes]


def bounds(running: TestCluster) -> list[Result]:
    """The most that was admitted in any window while nothing fails."""
    found = Callers(running, SECONDS).results()
    results = []
    for kind, goal in (("moving window", "<= 105"), ("counter", "<= 200")):
        most = most_in_a_window(admitted(found, kind))
        results.append(
            Result(f"{kind} of {AMOUNT} in {WINDOW} s: most admitted", most, "calls", goal=goal)
        )
        sure = surely_in_a_window(found, kind)
        certain = f"{kind}: most asked and answered within 2 s"
        results.append(Result(certain, sure, "calls", goal=goal))
        refused = sum(process[kind]["refused"] for process in found)
        alone = sum(process[kind]["alone"] for process in found)
        results.append(Result(f"{kind}: admitted", len(admitted(found, kind)), "calls"))
        results.append(Result(f"{kind}: by processes alone", alone, "calls"))
        results.append(Result(f"{kind}: refused", refused, "calls"))
    return results


def failure(running: TestCluster) -> list[Result]:
    """The same, while the master that counts is killed and its replica takes over."""
    callers = Callers(running, KILL_SECONDS)
    key = f"limit:{KINDS['moving window']}:user:hard{WINDOW}:{cost.person(1).user_id}"
    master = running.master_of(key)
    promoted: list[float] = []

    def wait_for_replica() -> None:
        running.wait_for_promotion(key, master)
        promoted.append(time.time())

    time.sleep(callers.begins + KILL_AFTER - time.time())
    running.kill(master)
    killed = time.time()
    watcher = threading.Thread(target=wait_for_replica, daemon=True)
    watcher.start()
    found = callers.results()
    watcher.join()
    running.heal()
    times = admitted(found, "moving window")
    slowest = max(process[kind]["slowest"] for process in found for kind in KINDS)
    settled = promoted[0] + 2 * WINDOW
    during = most_in_a_window([when for when in times if when < settled])
    after = most_in_a_window([when for when in times if when >= settled])
    promised = (PROCESSES + 1) * AMOUNT
    return [
        Result("a master killed: slowest check", slowest * 1000, "ms", goal="<= 150"),
        Result("a master killed: until its replica counts", promoted[0] - killed, "s"),
        Result(
            "a master killed: most of a moving window",
            during,
            "calls",
            f"{AMOUNT} by Redis and by each of {PROCESSES} processes",
            during / promised,
            "<= 1.05",
        ),
        Result("afterwards: most of a moving window", after, "calls", goal="<= 105"),
    ]


def admitted(found: Sequence[dict[str, Any]], kind: str) -> list[float]:
    """When calls were admitted, by any process: the time of the answer."""
    return sorted(when for process in found for _, when in process[kind]["admitted"])


def surely_in_a_window(found: Sequence[dict[str, Any]], kind: str) -> int:
    """As `most_in_a_window`, of those that were asked and answered within it: whatever kept an
    answer waiting, these were admitted in the same window.
    """
    calls = [call for process in found for call in process[kind]["admitted"]]
    return max(
        sum(start <= asked and answered < start + WINDOW for asked, answered in calls)
        for start, _ in calls
    )


def most_in_a_window(times: Sequence[float]) -> int:
    """Of sorted times, as many as lie within any WINDOW seconds."""
    most = first = 0
    for last, when in enumerate(times):
        while times[first] <= when - WINDOW:
            first += 1
        most = max(most, last - first + 1)
    return most


def main() -> None:
    """Measure and record."""
    with cluster() as running:
        results = [*costs(running), *bounds(running), *failure(running)]
    write_result(Path(__file__).parent, "Rate limits", results)


if __name__ == "__main__":
    main()
