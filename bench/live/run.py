"""What it costs to tell watchers where somebody is: two gateways of ours against two of socket.io
with the sharded adapter, in turns, on one Redis Cluster. And how many may watch.
"""

import json
import os
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.cluster import BenchServer, bench_server
from bench.live import peers
from bench.live.peers import OURS, PEER, Cores, Peer
from bench.live.processes import Process, started
from bench.redis import bench_redis
from bench.report import Result, write_result
from tests.redis_cluster import TestCluster

ROUNDS = 5
SECONDS = 3
IDLE = 5000
PROCESSES = 2  # that watch, on one core
_LATE_S = 10


@dataclass(frozen=True)
class Shape:
    """So many walks, so many watchers of each, and positions per second of all together."""

    walks: int
    watchers: int
    per_second: int

    def __str__(self) -> str:
        """As in the issue."""
        return f"{self.walks:,} x {self.watchers:,}"


SHAPES = (Shape(1000, 3, 1000), Shape(100, 10, 500), Shape(1, 1000, 10))


@dataclass(frozen=True)
class Round:
    """What one peer did in one round."""

    per_message: float
    """Microseconds of the gateways' CPU for each message that a watcher got."""
    per_position: float
    p50: float
    """Milliseconds from publishing to getting it."""
    p99: float
    load: float
    """Share of its core that the load client took."""


class Audience:
    """Watchers of one peer, all connected."""

    def __init__(self, peer: Peer, processes: tuple[Process, ...]) -> None:
        self._peer = peer
        self._processes = processes

    def round(self, shape: Shape, topics: list[str]) -> Round:
        """Publish, and wait until every watcher has got everything."""
        positions = shape.per_second * SECONDS
        order = {"topics": topics, "messages": positions, "per_second": shape.per_second}
        before, load, begun = self._peer.cpu(), self._load(), time.monotonic()
        self._peer.publisher.tell(order)
        self._peer.publisher.expect("done")
        delays = self._delays(positions * shape.watchers)
        used, elapsed = self._peer.cpu() - before, time.monotonic() - begun
        delays.sort()
        return Round(
            used / len(delays) * 1e6,
            used / positions * 1e6,
            delays[len(delays) // 2] / 1000,
            delays[int(len(delays) * 0.99)] / 1000,
            (self._load() - load) / elapsed,
        )

    def open(self) -> int:
        """How many are still connected."""
        return sum(report["open"] for report in self._reports())

    def _load(self) -> float:
        return sum(process.cpu() for process in self._processes)

    def _delays(self, expected: int) -> list[int]:
        delays: list[int] = []
        deadline = time.monotonic() + _LATE_S
        while len(delays) < expected:
            assert time.monotonic() < deadline, f"{len(delays)} of {expected} arrived"
            for report in self._reports():
                delays += report["delays"]
        assert len(delays) == expected, f"{len(delays)} arrived, {expected} were sent"
        return delays

    def _reports(self) -> list[dict[str, list[int]]]:
        for process in self._processes:
            process.tell("report")
        return [json.loads(process.hear()) for process in self._processes]


@contextmanager
def audience(peer: Peer, watchers: list[dict[str, object]], cores: Cores) -> Iterator[Audience]:
    """Connect them, shared out among processes."""
    command = [sys.executable, "-m", "bench.live.watchers"]
    with started(*(Process(command, {}, cores.watchers) for _ in range(PROCESSES))) as processes:
        for number, process in enumerate(processes):
            process.tell(
                {
                    "is_socket_io": peer.name == PEER,
                    "address": f"127.0.0.{number + 2}",
                    "watchers": watchers[number::PROCESSES],
                }
            )
        for process in processes:
            process.expect("ready")
        yield Audience(peer, processes)


def fan_out(bench: BenchServer, redis: TestCluster, cores: Cores) -> list[Result]:
    """Each shape, the peers in turns."""
    # Each shape has walks of its own: of others the last position is known, and told at once.
    walks = peers.walks(bench, sum(shape.walks for shape in SHAPES))
    tokens = [peers.access_token(number) for number in range(len(walks))]
    begin = 0
    results = []
    for shape in SHAPES:
        topics = walks[begin : begin + shape.walks]
        # A person has few connections, so a thousand watch by shares.
        proofs = [[token] for token in tokens[begin : begin + shape.walks]]
        if shape.walks == 1:
            proofs = [peers.shares(bench, topics[0], begin)]
        begin += shape.walks
        with peers.both(bench, redis, cores) as running, ExitStack() as stack:
            audiences = {}
            for peer in running:
                watchers = [
                    # At one gateway after the other, by each share too.
                    peer.watcher(walk + place + place // peers.SHARES, topic, proof)
                    for walk, topic in enumerate(topics)
                    for place in range(shape.watchers)
                    for proof in [proofs[walk][place % len(proofs[walk])]]
                ]
                audiences[peer.name] = stack.enter_context(audience(peer, watchers, cores))
            results += _compare(shape, topics, audiences)
            for peer in running:
                peer.end()
    return results


def _compare(shape: Shape, topics: list[str], audiences: dict[str, Audience]) -> list[Result]:
    found: defaultdict[str, list[Round]] = defaultdict(list)
    for watching in audiences.values():
        watching.round(shape, topics)  # what is compiled and allocated at first
    for _ in range(ROUNDS):
        for name, watching in audiences.items():
            found[name].append(watching.round(shape, topics))

    def of(name: str, what: str) -> float:
        return median(getattr(one, what) for one in found[name])

    for name, rounds in found.items():
        spread = sorted(one.per_message for one in rounds)
        busiest = max(one.load for one in rounds)
        print(
            f"{shape}, {name}: {spread[0]:.1f} to {spread[-1]:.1f} µs per message,"
            f" load client {busiest:.0%} of a core"
        )
    message, position = of(OURS, "per_message"), of(OURS, "per_position")
    by_message, by_position = message / of(PEER, "per_message"), position / of(PEER, "per_position")
    p50, p99 = of(OURS, "p50"), of(OURS, "p99")
    goal = "<= 50" if shape.watchers == max(one.watchers for one in SHAPES) else None
    return [
        Result(f"CPU per message, {shape}", message, "µs", PEER, by_message, "<= 1", ROUNDS),
        Result(f"CPU per position, {shape}", position, "µs", PEER, by_position, None, ROUNDS),
        Result(f"p50 until it is there, {shape}", p50, "ms", rounds=ROUNDS),
        Result(f"p99 until it is there, {shape}", p99, "ms", goal=goal, rounds=ROUNDS),
        Result(f"p50, {shape}, {PEER}", of(PEER, "p50"), "ms", rounds=ROUNDS),
        Result(f"p99, {shape}, {PEER}", of(PEER, "p99"), "ms", rounds=ROUNDS),
    ]


def idle(bench: BenchServer, redis: TestCluster, cores: Cores) -> list[Result]:
    """What a watcher takes who is told nothing, and whether two gateways hold twice as many."""
    watchers = [
        (f"user:{peers.person(number)}", peers.access_token(number))
        for number in range(peers.GATEWAYS * IDLE)
    ]
    taken = {}
    with ExitStack() as stack:
        for of_peer in (peers.theirs(redis, cores), peers.ours(bench, redis, cores)):
            peer = stack.enter_context(of_peer)
            before = peer.gateways[0].memory()
            # All at the first gateway.
            first = [peer.watcher(0, *watcher) for watcher in watchers[:IDLE]]
            stack.enter_context(audience(peer, first, cores))
            taken[peer.name] = (peer.gateways[0].memory() - before) / IDLE / 1024
        rest = [peer.watcher(1, *watcher) for watcher in watchers[IDLE:]]
        begun = time.monotonic()
        others = stack.enter_context(audience(peer, rest, cores))
        elapsed = time.monotonic() - begun
        connected = IDLE + others.open()
    ratio = taken[OURS] / taken[PEER]
    return [
        Result("memory of an idle watcher", taken[OURS], "kB", goal="<= 35"),
        Result("memory of an idle watcher", taken[OURS], "kB", PEER, ratio),
        Result("watchers of two gateways", connected, "watchers", goal=f">= {2 * IDLE}"),
        Result("connecting the second half", IDLE / elapsed, "1/s"),
    ]


def main() -> None:
    """Measure and write the result."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # what is started inherits it
    cores = Cores.of_this_machine(sorted(os.sched_getaffinity(0)))
    os.sched_setaffinity(0, cores.rest)
    with bench_server() as bench, bench_redis() as redis:
        results = [*fan_out(bench, redis, cores), *idle(bench, redis, cores)]
    write_result(Path(__file__).parent, "Watchers of walks", results)


if __name__ == "__main__":
    main()
