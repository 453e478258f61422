"""A primary and a standby of our own, to stop, to promote and to hold back."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg

from ops import schema
from ops.cluster import Server, free_port
from tests.conftest import OPTIONS, Primary, wait_for_replay
from tests.contract.serving import Api, raise_limits, serve


@dataclass(frozen=True)
class Pair:
    primary: Server
    standby: Server
    password: str
    client: httpx.Client
    api: Api

    def reads_on_standby(self) -> bool:
        is_standby: bool = (
            self.client.get("/rpc/where_read").raise_for_status().json()["is_standby"]
        )
        return is_standby

    def assert_reads(self) -> None:
        """No read fails, not even the first after the blow."""
        for _ in range(30):
            assert self.client.get("/rpc/where_read").status_code == 200

    def ready(self) -> int:
        return httpx.get(f"{self.api.admin}/ready").status_code

    def write(self) -> httpx.Response:
        return self.client.post("/rpc/where_written")

    def ask(self, server: Server, statement: str) -> object:
        """What a superuser gets from a server."""
        where = Primary(server, self.password).conninfo("postgres")
        with psycopg.connect(where, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchone()[0] if cursor.description else None

    def replayed(self) -> None:
        """Return once the standby has all that was written."""
        wait_for_replay(Primary(self.primary, self.password), Primary(self.standby, self.password))


@contextmanager
def serve_pair(cluster_directory: Path, **settings: str) -> Iterator[Pair]:
    """The pair, and an API on it with these settings."""
    folder = cluster_directory / f"pair-{secrets.token_hex(4)}"
    password = secrets.token_urlsafe(16)
    primary = Server(folder / "primary", free_port())
    standby = Server(folder / "standby", free_port())
    primary.create_primary(password, OPTIONS)
    primary.start()
    try:
        first = Primary(primary, password)
        schema.install(first.conninfo("postgres"))
        schema.set_passwords(
            first.conninfo("postgres"), dict.fromkeys(("authenticator", "replicator"), password)
        )
        with psycopg.connect(first.conninfo("postgres")) as connection:
            connection.execute((Path(__file__).parent / "functions.sql").read_bytes())
            raise_limits(connection)
        standby.create_standby(primary, password, "standby", OPTIONS)
        standby.start()
        wait_for_replay(first, Primary(standby, password))
        with (
            serve([primary.port, standby.port], "postgres", password, **settings) as api,
            httpx.Client(base_url=api.url, timeout=20) as client,
        ):
            yield Pair(primary, standby, password, client, api)
    finally:
        for server in (primary, standby):
            if (server.data / "postmaster.pid").exists():
                server.stop("immediate")
