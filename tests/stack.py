"""The local profile in a folder of its own, on free ports."""

import re
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import redis

from ops.cluster import free_port
from tests.command import saferoute

REDIS = [f"redis-{number}" for number in range(1, 7)]
WORKERS = [f"worker-{name}" for name in ("alarm-1", "alarm-2", "default", "bulk", "beat")]
OURS = ["api-1", "api-2", "live-1", "live-2", *WORKERS]
EVERYTHING = ["primary", "replica", "analysts", *REDIS, *OURS, "gateway"]
BUS = 10_000
"""From a Redis node's port to the one that other nodes speak to."""


@dataclass
class Stack:
    """A profile, which need not run."""

    folder: Path
    ports: tuple[int, int, int, int]
    admin_port: int = field(default_factory=lambda: ports_in_a_row(5))
    api_port: int = field(default_factory=lambda: ports_in_a_row(2))
    live_port: int = field(default_factory=lambda: ports_in_a_row(2))
    redis_ports: list[int] = field(default_factory=lambda: ports_with_a_bus())

    @property
    def environment(self) -> dict[str, str]:
        primary, replica, analysts, gateway = self.ports
        settings = self.folder / "saferoute.env"
        hosts = {"SAFEROUTE_DATABASE_HOSTS": f"127.0.0.1:{primary},127.0.0.1:{replica}"}
        return {
            "SAFEROUTE_ENV_FILE": str(settings),
            # Once they are kept there, replicas may be added and removed.
            **({} if settings.exists() else hosts),
            "SAFEROUTE_ANALYST_ADDRESS": f"127.0.0.1:{analysts}",
            "SAFEROUTE_GATEWAY_PORT": str(gateway),
            "SAFEROUTE_API_PORT": str(self.api_port),
            "SAFEROUTE_LIVE_PORT": str(self.live_port),
            "SAFEROUTE_ADMIN_PORT": str(self.admin_port),
            "SAFEROUTE_REDIS_HOSTS": ",".join(f"127.0.0.1:{port}" for port in self.redis_ports),
        }

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        return saferoute("stack", *arguments, **self.environment)

    def up(self, *arguments: object) -> str:
        result = self.run("up", *arguments)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def processes(self) -> dict[str, int]:
        """The process id of each program that runs."""
        found = re.findall(
            r"^ *([\w-]+) +(?:running|starting) +\S+ +(\d+)", self.run("status").stdout, re.M
        )
        return {name: int(pid) for name, pid in found}

    def setting(self, name: str) -> str:
        """What its file of settings says."""
        text = (self.folder / "saferoute.env").read_text()
        return re.search(rf"^{name}='(.*)'$", text, re.MULTILINE)[1]

    def conninfo(self, role: str, server: str) -> str:
        port = self.ports[EVERYTHING.index(server)]
        users = {"admin": "postgres", "owner": "saferoute_owner"}
        password = self.setting(f"SAFEROUTE_{role.upper()}_PASSWORD")
        return (
            f"host=127.0.0.1 port={port} dbname=saferoute user={users.get(role, role)} "
            f"password={password}"
        )

    def connect(self, role: str, server: str) -> psycopg.Connection:
        return psycopg.connect(self.conninfo(role, server))

    def redis(self, number: int) -> redis.Redis:
        """One node of the Redis Cluster."""
        password = self.setting("SAFEROUTE_REDIS_PASSWORD")
        return redis.Redis("127.0.0.1", self.redis_ports[number - 1], password=password)

    def redis_roles(self) -> list[str]:
        """What `make status` says of each node."""
        return re.findall(r"^ *redis-\d .* (master|replica) *$", self.run("status").stdout, re.M)

    def listening(self) -> list[bool]:
        return [_listens(port) for port in self.ports]


def four_ports() -> tuple[int, int, int, int]:
    return free_port(), free_port(), free_port(), free_port()


def ports_in_a_row(count: int) -> int:
    """The first of so many ports that nobody listens on."""
    while True:
        first = free_port()
        if not any(_listens(first + number) for number in range(1, count)):
            return first


def ports_with_a_bus() -> list[int]:
    """Six ports of which the one 10,000 above is free too, all below the ephemeral range."""
    found: set[int] = set()
    while len(found) < 6:
        port = free_port() - BUS
        if not _listens(port):
            found.add(port)
    return sorted(found)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
