"""What callers see while servers die and come back: a pair of servers of our own to kill."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest

from ops import schema
from ops.cluster import Server, free_port, run
from tests.conftest import OPTIONS, Primary, wait_for_replay
from tests.contract.serving import Api, serve
from tests.contract.test_rpc import assert_error, eventually


@dataclass(frozen=True)
class Pair:
    primary: Server
    standby: Server
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


@pytest.fixture
def pair(cluster_directory: Path) -> Iterator[Pair]:
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
        standby.create_standby(primary, password, "standby", OPTIONS)
        standby.start()
        wait_for_replay(first, Primary(standby, password))
        with (
            serve([primary.port, standby.port], "postgres", password) as api,
            httpx.Client(base_url=api.url, timeout=20) as client,
        ):
            yield Pair(primary, standby, client, api)
    finally:
        for server in (primary, standby):
            if (server.data / "postmaster.pid").exists():
                server.stop("immediate")


def test_reads_outlive_the_standby_and_go_back_to_it(pair: Pair) -> None:
    assert pair.reads_on_standby()
    pair.standby.stop("immediate")
    pair.assert_reads()
    assert not pair.reads_on_standby()
    assert pair.write().status_code == 200
    pair.standby.start()
    eventually(pair.reads_on_standby)


def test_without_a_primary_reads_go_on_and_writes_are_503(pair: Pair) -> None:
    assert pair.write().status_code == 200
    pair.primary.stop("immediate")
    for _ in range(20):
        response = pair.write()
        assert_error(response, 503, "PGRST000")
        assert response.headers["retry-after"] == "1"
    pair.assert_reads()
    assert pair.ready() == 200

    run("pg_ctl", "-D", pair.standby.data, "-w", "promote")
    eventually(lambda: pair.write().status_code == 200)
    pair.assert_reads()

    pair.standby.stop("immediate")
    for response in (pair.client.get("/rpc/where_read"), pair.write()):
        assert_error(response, 503, "PGRST000")
        assert response.headers["retry-after"] == "1"
    assert httpx.get(f"{pair.api.admin}/live").status_code == 200
    eventually(lambda: pair.ready() == 503)


def test_the_api_waits_for_its_database(cluster_directory: Path) -> None:
    with (
        serve([free_port()], "postgres", "none") as api,
        httpx.Client(base_url=api.url) as client,
    ):
        response = client.get("/rpc/where_read")
        assert_error(response, 503, "PGRST002")
        assert response.headers["retry-after"] == "1"
        assert httpx.get(f"{api.admin}/ready").status_code == 503
