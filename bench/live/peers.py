"""Two gateways and a publisher, ours and socket.io's, on the same Redis Cluster."""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import jwt
import psycopg

from bench.cluster import BenchServer
from bench.live.processes import Process, started
from ops.cluster import free_port
from tests.redis_cluster import TestCluster

GATEWAYS = 2
OURS, PEER = "saferoute", "socket.io"
SECRET = "the-secret-of-the-benchmark-0123456789"
SHARES = 10
"""By one share 100 may watch at each gateway."""
_SOCKETIO = Path(__file__).parent / "socketio"
_NODE = _SOCKETIO / "node_modules" / ".bin" / "node"


@dataclass(frozen=True)
class Cores:
    """Each gateway has one, the watchers one, the rest is for what both peers use."""

    gateways: tuple[set[int], set[int]]
    watchers: set[int]
    rest: set[int]

    @classmethod
    def of_this_machine(cls, cores: Sequence[int]) -> "Cores":
        """Of the cores that this process may use."""
        assert len(cores) >= 4, "the measurement needs four cores"
        return cls(({cores[0]}, {cores[1]}), {cores[2]}, set(cores[3:]))


@dataclass(frozen=True)
class Peer:
    """Its running processes."""

    name: str
    gateways: tuple[Process, ...]
    ports: tuple[int, ...]
    publisher: Process

    def cpu(self) -> float:
        """Seconds of CPU that the gateways have used."""
        return sum(gateway.cpu() for gateway in self.gateways)

    def end(self) -> None:
        """Kill the gateways before the watchers: socket.io's fail when the last room is left."""
        for gateway in self.gateways:
            gateway.end()

    def watcher(self, number: int, topic: str, token: str) -> dict[str, object]:
        """What the load client is to open: gateways take turns."""
        at = f"ws://127.0.0.1:{self.ports[number % len(self.ports)]}"
        if self.name == PEER:
            path = f"/socket.io/?EIO=4&transport=websocket&room={topic}"
            return {"topic": topic, "url": at + path, "headers": {}}
        headers = {"Authorization": f"Bearer {token}"}
        return {"topic": topic, "url": f"{at}/live", "headers": headers}


@contextmanager
def both(bench: BenchServer, redis: TestCluster, cores: Cores) -> Iterator[list[Peer]]:
    """Both peers, each gateway on its core; only one peer works at a time."""
    with ours(bench, redis, cores) as mine, theirs(redis, cores) as peer:
        yield [mine, peer]


@contextmanager
def ours(bench: BenchServer, redis: TestCluster, cores: Cores) -> Iterator[Peer]:
    """Our gateways."""
    environment = {
        **redis.settings,
        "SAFEROUTE_ENV_FILE": "/nonexistent",
        "SAFEROUTE_DATABASE_HOSTS": f"127.0.0.1:{bench.port}",
        "SAFEROUTE_AUTHENTICATOR_PASSWORD": bench.password,
        "SAFEROUTE_API_PROCESSES": str(GATEWAYS),
        "SAFEROUTE_JWT_SECRET": SECRET,
    }
    ports = tuple(free_port() for _ in range(GATEWAYS))
    gateways = tuple(
        Process(
            [sys.executable, "-m", "api.live"],
            environment
            | {"SAFEROUTE_LIVE_PORT": str(port), "SAFEROUTE_ADMIN_PORT": str(free_port())},
            core,
        )
        for port, core in zip(ports, cores.gateways, strict=True)
    )
    publisher = Process([sys.executable, "-m", "bench.live.publisher"], environment, cores.rest)
    with started(*gateways, publisher):
        for gateway, port in zip(gateways, ports, strict=True):
            gateway.expect(f"listening on ws://127.0.0.1:{port}")
        publisher.expect("ready")
        yield Peer(OURS, gateways, ports, publisher)


@contextmanager
def theirs(redis: TestCluster, cores: Cores) -> Iterator[Peer]:
    """Those of socket.io."""
    environment = {
        "LIVE_REDIS": ",".join(f"127.0.0.1:{node.port}" for node in redis.nodes),
        "LIVE_REDIS_PASSWORD": redis.password,
    }
    ports = tuple(free_port() for _ in range(GATEWAYS))
    gateways = tuple(
        Process([_NODE, _SOCKETIO / "gateway.mjs"], environment | {"PORT": str(port)}, core)
        for port, core in zip(ports, cores.gateways, strict=True)
    )
    publisher = Process([_NODE, _SOCKETIO / "publisher.mjs"], environment, cores.rest)
    with started(*gateways, publisher):
        for process in (*gateways, publisher):
            process.expect("ready")
        yield Peer(PEER, gateways, ports, publisher)


def person(number: int) -> str:
    """Their id."""
    return str(UUID(int=(4 << 76) + (8 << 60) + number))


def access_token(number: int) -> str:
    """Of this person."""
    claims: Mapping[str, object] = {
        "role": "authenticated",
        "sub": person(number),
        "exp": int(time.time()) + 7200,
    }
    return jwt.encode(dict(claims), SECRET, "HS256")


def walks(bench: BenchServer, count: int) -> list[str]:
    """As many people walk, the number being the person: their topics."""
    topics = []
    with psycopg.connect(bench.conninfo(), autocommit=True) as connection:
        for number in range(count):
            walk = str(UUID(int=(7 << 76) + (8 << 60) + number))
            _claim(connection, number)
            connection.execute("select api.start_journey(%s, -77.03, 38.9)", [walk])
            topics.append(f"journey:{walk}")
    return topics


def shares(bench: BenchServer, topic: str, number: int) -> list[str]:
    """Tokens to watch a person's walk by."""
    with psycopg.connect(bench.conninfo(), autocommit=True) as connection:
        _claim(connection, number)
        query = "select split_part(api.share_journey(%s)->>'link', '#', 2)"
        walk = topic.removeprefix("journey:")
        return [connection.execute(query, [walk]).fetchone()[0] for _ in range(SHARES)]


def _claim(connection: psycopg.Connection, number: int) -> None:
    claims = f'{{"role":"authenticated","sub":"{person(number)}"}}'
    connection.execute("select set_config('request.jwt.claims', %s, false)", [claims])
