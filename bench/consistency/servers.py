"""A durable primary, a standby that can be held back, and an API on both."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg.conninfo import make_conninfo

from bench.cluster import OPTIONS, BenchServer, bench_server
from common.settings import Settings
from ops import schema
from ops.cluster import Server, free_port

SECRET = "the-secret-of-the-benchmark-0123456789"


@dataclass(frozen=True)
class Pair:
    """The primary and its standby."""

    primary: BenchServer
    standby_port: int

    @property
    def settings(self) -> Settings:
        """What an API process needs to know: 18 connections to each server."""
        return Settings(
            database_hosts=f"127.0.0.1:{self.primary.port},127.0.0.1:{self.standby_port}",
            database="saferoute",
            authenticator_password=self.primary.password,
            database_connections=39,
            api_processes=2,
        )

    def delay_replay(self, milliseconds: int) -> None:
        """Let the standby replay each commit so long after it was made."""
        conninfo = make_conninfo(self.primary.conninfo(), port=self.standby_port)
        with psycopg.connect(conninfo, autocommit=True) as standby:
            standby.execute(f"alter system set recovery_min_apply_delay = {milliseconds}")
            standby.execute("select pg_reload_conf()")


@contextmanager
def pair() -> Iterator[Pair]:
    """Start both; stopped and removed at the end."""
    with bench_server() as primary:
        passwords = {"replicator": primary.password}
        schema.set_passwords(primary.conninfo(), passwords)
        standby = Server(primary.server.data.parent / "standby", free_port())
        standby.create_standby(
            primary.server, primary.password, "standby", {**OPTIONS, "hot_standby": "on"}
        )
        standby.start()
        try:
            yield Pair(primary, standby.port)
        finally:
            standby.stop()


@contextmanager
def api(servers: Pair) -> Iterator[int]:
    """An API process; its port."""
    settings, port = servers.settings, free_port()
    environment = {
        **os.environ,
        "SAFEROUTE_ENV_FILE": "/nonexistent",
        "SAFEROUTE_DATABASE_HOSTS": settings.database_hosts,
        "SAFEROUTE_AUTHENTICATOR_PASSWORD": servers.primary.password,
        "SAFEROUTE_DATABASE_CONNECTIONS": str(settings.database_connections),
        "SAFEROUTE_API_PROCESSES": str(settings.api_processes),
        "SAFEROUTE_API_PORT": str(port),
        "SAFEROUTE_ADMIN_PORT": str(free_port()),
        "SAFEROUTE_JWT_SECRET": SECRET,
    }
    with subprocess.Popen(
        [sys.executable, "-m", "api"], env=environment, stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith(b"listening on ")
            yield port
        finally:
            process.terminate()
