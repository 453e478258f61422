"""A Redis Cluster of our own, for the local profile and for the tests.

As root every node runs as the user `redis`, which Debian's package brings.
"""

import getpass
import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import redis
from redis.exceptions import RedisError

from ops.errors import OperatorError
from ops.identity import Identity

SLOTS = 16384
OPTIONS = {
    "maxmemory": "8mb",
    # Nothing is dropped to make room: a session that vanishes signs somebody out, a counter that
    # vanishes is a limit forgotten. Full, a node refuses to write, which callers know as "gone".
    "maxmemory-policy": "noeviction",
    # Sessions outlive a restart of the machine; at most their last second is lost.
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    # The log still holds what was deleted; it is written anew each time it has doubled.
    "auto-aof-rewrite-min-size": "1mb",
    "cluster-node-timeout": "2000",
    # A shard without a master takes its own keys away, not those of the others.
    "cluster-require-full-coverage": "no",
    # A replica whose link broke long ago is better than no master at all.
    "cluster-replica-validity-factor": "0",
    "repl-diskless-sync-delay": "0",
}
"""What every node is told beside its ports, its folder and the password."""


def user() -> str:
    """The system user Redis runs as: the caller, or `redis` where the caller is root."""
    return "redis" if os.geteuid() == 0 else getpass.getuser()


def program() -> Path:
    """The server's program."""
    found = shutil.which("redis-server", path=f"/usr/bin:{os.environ['PATH']}")
    if not found:
        raise OperatorError("Redis (the package redis-server) is not installed")
    return Path(found)


@dataclass(frozen=True)
class NodeState:
    """What a node says of itself: its role, and whether it sees every slot served."""

    role: str
    is_whole: bool


@dataclass(frozen=True)
class RedisNode:
    """One node: its data folder, the port of clients, the port of other nodes, its address."""

    data: Path
    port: int
    bus_port: int
    host: str = "127.0.0.1"
    identity: Identity | None = None
    """With it nobody speaks to the node in plain, nor it to the others."""

    @property
    def name(self) -> str:
        """What its program and its folder are called."""
        return self.data.name

    @property
    def configuration(self) -> Path:
        """The file it is started with. It holds the password: only its user may read it."""
        return self.data / "redis.conf"

    def configure(self, password: str, options: Mapping[str, str] = OPTIONS) -> bool:
        """Write its settings; whether they changed. They hold from its next start on."""
        text = self.render(password, options)
        if self.configuration.exists() and self.configuration.read_text() == text:
            return False
        self.data.mkdir(parents=True, exist_ok=True)
        self.configuration.touch(mode=0o600)
        self.configuration.write_text(text)
        if os.geteuid() == 0:
            for path in (self.data, self.configuration):
                shutil.chown(path, user(), user())
        return True

    def render(self, password: str, options: Mapping[str, str] = OPTIONS) -> str:
        """Its settings."""
        fixed = {
            "bind": self.host,
            "port": str(self.port),
            "cluster-enabled": "yes",
            "cluster-port": str(self.bus_port),
            "dir": str(self.data),
            "requirepass": password,
            "masterauth": password,
        }
        text = {**fixed, **options, **self._encryption()}
        return "".join(f'{name} "{value}"\n' for name, value in text.items())

    def _encryption(self) -> dict[str, str]:
        if self.identity is None:
            return {}
        return {
            "port": "0",
            "tls-port": str(self.port),
            "tls-cluster": "yes",
            "tls-replication": "yes",
            "tls-ca-cert-file": str(self.identity.authority),
            "tls-cert-file": str(self.identity.certificate),
            "tls-key-file": str(self.identity.key),
            "tls-protocols": "TLSv1.2 TLSv1.3",
            # Clients have a password; the nodes show each other their certificates all the same.
            "tls-auth-clients": "no",
        }

    def empty(self) -> None:
        """Remove its data, and what it knows of the cluster."""
        shutil.rmtree(self.data, ignore_errors=True)

    def forget(self, password: str) -> None:
        """Make a node that runs forget the cluster, and all its keys."""
        with self.connect(password) as client:
            if client.info("replication")["role"] == "master":
                client.flushall()
            client.execute_command("CLUSTER RESET", "HARD")

    def connect(self, password: str) -> "redis.Redis":
        """A connection to this node alone."""
        authority = str(self.identity.authority) if self.identity else None
        return redis.Redis(
            self.host,
            self.port,
            password=password,
            socket_timeout=5,
            ssl=authority is not None,
            ssl_ca_certs=authority,
        )

    def answers(self, password: str) -> bool:
        """Whether it has loaded its data and lets us in."""
        return self.state(password) is not None

    def state(self, password: str) -> NodeState | None:
        """What it says of itself; None where it does not answer."""
        try:
            with self.connect(password) as client:
                cluster = client.execute_command("CLUSTER INFO")
                replication = client.info("replication")
        except RedisError:
            return None
        is_in_step = replication.get("master_link_status", "up") == "up"
        is_whole = cluster["cluster_state"] == "ok" and int(cluster["cluster_slots_ok"]) == SLOTS
        role = "master" if replication["role"] == "master" else "replica"
        return NodeState(role, is_whole and is_in_step)


def create(nodes: Sequence[RedisNode], password: str) -> None:
    """Make one cluster of empty nodes that run: one half masters, the other half replicas."""
    addresses = [f"{node.host}:{node.port}@{node.bus_port}" for node in nodes]
    identity = nodes[0].identity
    tls = ("--tls", "--cacert", str(identity.authority)) if identity else ()
    process = subprocess.run(
        [
            *("redis-cli", *tls, "--cluster-yes", "--cluster", "create", *addresses),
            *("--cluster-replicas", "1"),
        ],
        env={"PATH": os.environ["PATH"], "REDISCLI_AUTH": password},
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode:
        reason = (process.stderr or process.stdout).strip().splitlines()
        raise OperatorError(f"no Redis Cluster: {reason[-1] if reason else process.returncode}")


def wait_until_whole(nodes: Sequence[RedisNode], password: str, seconds: float = 30) -> None:
    """Return once every node runs, sees every slot served and, as a replica, follows its master."""
    deadline = time.monotonic() + seconds
    for node in nodes:
        while not ((state := node.state(password)) and state.is_whole):
            if time.monotonic() > deadline:
                missing = "does not see every slot served" if state else "does not answer"
                raise OperatorError(f"{node.name} of the Redis Cluster {missing}")
            time.sleep(0.05)
