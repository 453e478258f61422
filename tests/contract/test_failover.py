"""What callers see while servers die and come back: a pair of servers of our own to kill."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ops.cluster import Server, free_port, run
from tests.conftest import OPTIONS, Primary, wait_for_replay
from tests.contract.pair import Pair, serve_pair
from tests.contract.serving import serve
from tests.contract.test_rpc import assert_error, eventually

TOKEN = "x-consistency-token"


@pytest.fixture
def pair(cluster_directory: Path) -> Iterator[Pair]:
    with serve_pair(cluster_directory) as served:
        yield served


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

    pair.ask(pair.standby, "select pg_promote()")
    # The first answer tells that it is no replica any more: nobody waits for the next look.
    assert not pair.reads_on_standby()
    assert pair.write().status_code == 200
    assert pair.write().headers[TOKEN].startswith("2-")

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


def test_a_replica_of_the_old_timeline_serves_no_token_of_the_new(pair: Pair) -> None:
    """Its log went on after the one that was promoted stopped following: it only looks ahead."""
    other = Server(pair.standby.data.parents[1] / "other" / "data", free_port())
    other.create_standby(pair.primary, pair.password, "other", OPTIONS)
    other.start()
    hosts = [pair.primary.port, pair.standby.port, other.port]
    try:
        pair.ask(pair.standby, "alter system set primary_conninfo = ''")
        pair.ask(pair.standby, "select pg_reload_conf()")
        receivers = "select count(*) from pg_stat_wal_receiver"
        eventually(lambda: pair.ask(pair.standby, receivers) == 0)
        pair.ask(pair.primary, "select pg_logical_emit_message(false, 'x', repeat('x', 1000000))")
        wait_for_replay(Primary(pair.primary, pair.password), Primary(other, pair.password))
        with (
            serve(hosts, "postgres", pair.password) as api,
            httpx.Client(base_url=api.url, timeout=20) as client,
        ):
            pair.primary.stop("immediate")
            run("pg_ctl", "-D", pair.standby.data, "-w", "promote")
            write = {"value": 5}
            eventually(lambda: client.post("/rpc/write_note", json=write).status_code == 204)
            token = client.post("/rpc/write_note", json=write).headers[TOKEN]
            for _ in range(20):
                answer = client.get("/rpc/read_note", headers={TOKEN: token})
                assert answer.json() == {"written": 5, "is_standby": False}
            # And after a while no other read either: it does not follow the new primary.
            eventually(lambda: not client.get("/rpc/read_note").json()["is_standby"])
    finally:
        other.stop("immediate")
