"""Reads with several replicas: each has its share, and one that is behind has none."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ops.cluster import Server, free_port
from tests.conftest import OPTIONS, Primary, wait_for_replay
from tests.contract.pair import Pair, serve_pair
from tests.contract.serving import serve
from tests.contract.test_rpc import eventually

TOKEN = "x-consistency-token"
MAX_LAG_S = 1.0
READ_AT = """
create function api.read_at() returns integer
language sql stable security definer set search_path = pg_catalog
as $$ select current_setting('port')::integer $$
"""


@pytest.fixture(scope="module")
def pair(cluster_directory: Path) -> Iterator[Pair]:
    with serve_pair(cluster_directory) as served:
        yield served


@pytest.fixture(scope="module")
def other(pair: Pair) -> Iterator[Server]:
    """The second standby."""
    server = Server(pair.standby.data.parent / "other", free_port())
    server.create_standby(pair.primary, pair.password, "other", OPTIONS)
    server.start()
    yield server
    server.stop("immediate")


@pytest.fixture(scope="module")
def client(pair: Pair, other: Server) -> Iterator[httpx.Client]:
    """An API over all three."""
    pair.ask(pair.primary, READ_AT)
    pair.ask(pair.primary, "grant execute on function api.read_at() to web_anon")
    for standby in (pair.standby, other):
        wait_for_replay(Primary(pair.primary, pair.password), Primary(standby, pair.password))
    hosts = [pair.primary.port, pair.standby.port, other.port]
    lag = {"SAFEROUTE_MAX_READ_LAG_S": str(MAX_LAG_S)}
    with (
        serve(hosts, "postgres", pair.password, **lag) as api,
        httpx.Client(base_url=api.url, timeout=20) as connected,
    ):
        yield connected


def readers(client: httpx.Client, times: int = 20) -> Counter[int]:
    """How often each server has answered a read."""
    return Counter(client.get("/rpc/read_at").raise_for_status().json() for _ in range(times))


def test_replicas_share_the_reads(pair: Pair, other: Server, client: httpx.Client) -> None:
    eventually(lambda: set(readers(client)) == {pair.standby.port, other.port})
    assert min(readers(client).values()) >= 8


def test_one_that_is_behind_is_left_to_the_other(
    pair: Pair, other: Server, client: httpx.Client
) -> None:
    pair.ask(other, "select pg_wal_replay_pause()")
    try:
        token = client.post("/rpc/write_note", json={"value": 7}).headers[TOKEN]
        # Whoever asks with the token is not sent there, long before it counts as behind.
        for _ in range(20):
            assert client.get("/rpc/read_note", headers={TOKEN: token}).json()["written"] == 7
        eventually(lambda: set(readers(client)) == {pair.standby.port})
    finally:
        pair.ask(other, "select pg_wal_replay_resume()")
    eventually(lambda: set(readers(client)) == {pair.standby.port, other.port})


def test_with_all_of_them_behind_the_primary_answers(
    pair: Pair, other: Server, client: httpx.Client
) -> None:
    for standby in (pair.standby, other):
        pair.ask(standby, "select pg_wal_replay_pause()")
    try:
        assert client.post("/rpc/write_note", json={"value": 8}).status_code == 204
        eventually(lambda: set(readers(client)) == {pair.primary.port})
    finally:
        for standby in (pair.standby, other):
            pair.ask(standby, "select pg_wal_replay_resume()")
    eventually(lambda: set(readers(client)) == {pair.standby.port, other.port})
