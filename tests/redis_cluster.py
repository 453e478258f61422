"""A real Redis Cluster for the tests: three masters and a replica of each, on free ports."""

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from redis.crc import key_slot

from ops import redis_cluster
from ops.cluster import free_port
from ops.identity import Identity
from ops.redis_cluster import OPTIONS, RedisNode

# A master that is dead for a second is replaced.
FAST = {**OPTIONS, "cluster-node-timeout": "1000", "appendfsync": "no"}


@dataclass
class TestCluster:
    """The running nodes. What a test kills is started again by the block that killed it."""

    nodes: list[RedisNode]
    password: str
    processes: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)

    __test__ = False

    @property
    def settings(self) -> dict[str, str]:
        """The environment variables of a process that uses it."""
        return {
            "SAFEROUTE_REDIS_HOSTS": ",".join(f"127.0.0.1:{node.port}" for node in self.nodes),
            "SAFEROUTE_REDIS_PASSWORD": self.password,
        }

    def start(self, node: RedisNode) -> None:
        """Start a node, and return once it answers."""
        user = redis_cluster.user() if os.geteuid() == 0 else None
        with node.data.with_suffix(".log").open("ab") as log:
            self.processes[node.port] = subprocess.Popen(
                [redis_cluster.program(), node.configuration],
                user=user,
                group=user,
                extra_groups=[] if user else None,
                stdout=log,
            )
        _wait_until(lambda: node.answers(self.password))

    def kill(self, node: RedisNode) -> None:
        """End a node as a crash would (SIGKILL)."""
        process = self.processes.pop(node.port)
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()

    def master_of(self, key: str) -> RedisNode:
        """The node that all nodes that answer take for the master of this key."""
        slot = key_slot(key.encode())
        found: set[int] = set()

        def is_agreed() -> bool:
            found.clear()
            for node in self.nodes:
                found.update(self._masters_by(node, slot))
            return len(found) == 1

        _wait_until(is_agreed)
        return next(node for node in self.nodes if node.port in found)

    def _masters_by(self, node: RedisNode, slot: int) -> list[int]:
        if node.port not in self.processes:
            return []
        with node.connect(self.password) as client:
            shards = client.execute_command("CLUSTER SLOTS")
        return [master[1] for first, last, master, *_ in shards if first <= slot <= last]

    def wait_for_promotion(self, key: str, instead_of: RedisNode) -> RedisNode:
        """Return the new master of a key once all others agree on it."""
        _wait_until(lambda: self.master_of(key) != instead_of)
        return self.master_of(key)

    def wait_until_whole(self) -> None:
        """Return once every node runs, and every replica follows its master."""
        redis_cluster.wait_until_whole(self.nodes, self.password)

    def heal(self) -> None:
        """Start what was killed, and return once the cluster is whole."""
        for node in self.nodes:
            if node.port not in self.processes:
                self.start(node)
        self.wait_until_whole()

    @contextmanager
    def killed(self, node: RedisNode) -> Iterator[None]:
        """Within the block the node is dead; after it, it is back and the cluster whole."""
        self.kill(node)
        try:
            yield
        finally:
            self.heal()

    @contextmanager
    def stopped(self, node: RedisNode) -> Iterator[None]:
        """Within the block the node is there and answers nothing (SIGSTOP)."""
        process = self.processes[node.port]
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)
            self.wait_until_whole()


def start_cluster(folder: Path, identity: Identity | None = None) -> TestCluster:
    """Make and start one, its data in this folder; by TLS where its nodes have an identity."""
    nodes = [
        RedisNode(folder / f"redis-{n}", free_port(), free_port(), identity=identity)
        for n in range(1, 7)
    ]
    cluster = TestCluster(nodes, secrets.token_urlsafe(16))
    for node in nodes:
        node.configure(cluster.password, FAST)
        cluster.start(node)
    redis_cluster.create(nodes, cluster.password)
    cluster.wait_until_whole()
    return cluster


def _wait_until(is_so: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)
