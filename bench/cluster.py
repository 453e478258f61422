"""A throw-away server for benchmarks: settings as in production, durability included."""

import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import make_conninfo

from ops import schema
from ops.cluster import Server, free_port

# A small server of the local profile: durable, with checkpoints far enough apart not to fall
# into a measurement.
OPTIONS = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "shared_buffers": "512MB",
    "work_mem": "16MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "30min",
    "autovacuum": "on",
    "max_connections": "100",
    "max_locks_per_transaction": "512",
    "jit": "off",
}


@dataclass(frozen=True)
class BenchServer:
    """A running server with the schema installed in database `saferoute`."""

    server: Server
    password: str

    @property
    def port(self) -> int:
        """The port on 127.0.0.1."""
        return self.server.port

    def conninfo(self, user: str = "postgres", dbname: str = "saferoute") -> str:
        """A libpq connection string; every login role has the same password."""
        return make_conninfo(
            host="127.0.0.1", port=self.port, user=user, password=self.password, dbname=dbname
        )


@contextmanager
def bench_server(options: Mapping[str, str] | None = None) -> Iterator[BenchServer]:
    """Start a primary with the schema installed; stopped and removed at the end.

    `options` are added to OPTIONS. The clients' login roles get the server's password.
    """
    directory = Path(tempfile.mkdtemp(prefix="saferoute-bench-"))
    directory.chmod(0o755)
    bench = BenchServer(
        Server(directory / "servers" / "primary", free_port()), secrets.token_urlsafe(16)
    )
    try:
        bench.server.create_primary(bench.password, {**OPTIONS, **(options or {})})
        bench.server.start()
        try:
            schema.create_database(bench.conninfo(dbname="postgres"), "saferoute")
            schema.install(bench.conninfo())
            roles = ("saferoute_owner", "authenticator")
            schema.set_passwords(bench.conninfo(), dict.fromkeys(roles, bench.password))
            yield bench
        finally:
            bench.server.stop()
    finally:
        shutil.rmtree(directory)
