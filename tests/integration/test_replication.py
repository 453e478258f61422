"""What an operator, who is no superuser, is told of replication on a primary and on its standby."""

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from ops import schema
from ops.cluster import Server, free_port
from tests.conftest import OPTIONS

ONE_SIDE, OTHER_SIDE = "replication_health", "replay_health"
# Which side says what within a second, not ten.
TALKATIVE = {"wal_receiver_status_interval": "1s", "max_standby_streaming_delay": "0"}


@dataclass(frozen=True)
class Pair:
    primary: Server
    standby: Server
    password: str

    def connect(self, server: Server, user: str = "postgres") -> psycopg.Connection[Any]:
        return psycopg.connect(
            host="127.0.0.1",
            port=server.port,
            user=user,
            password=self.password,
            dbname="postgres",
            autocommit=True,
        )

    def tell(self, server: Server, statement: str) -> None:
        with self.connect(server) as connection:
            connection.execute(statement.encode())

    def health(self, server: Server, view: str, max_lag_s: float = 30) -> dict[str, Any]:
        """The one row that an operator sees."""
        with (
            self.connect(server, "operator") as connection,
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            cursor.execute(
                "select set_config('saferoute.max_replay_lag_s', %s::text, false)", [max_lag_s]
            )
            (row,) = cursor.execute(f"select * from ops.{view}".encode()).fetchall()
            return row


@pytest.fixture(scope="module")
def pair(cluster_directory: Path) -> Iterator[Pair]:
    folder = cluster_directory / "replication"
    pair = Pair(
        Server(folder / "primary", free_port()),
        Server(folder / "standby", free_port()),
        secrets.token_urlsafe(16),
    )
    pair.primary.create_primary(pair.password, OPTIONS)
    pair.primary.start()
    try:
        with pair.connect(pair.primary) as connection:
            conninfo = f"{connection.info.dsn} password={pair.password}"
        schema.install(conninfo)
        schema.set_passwords(conninfo, dict.fromkeys(("operator", "replicator"), pair.password))
        pair.standby.create_standby(pair.primary, pair.password, "second", OPTIONS | TALKATIVE)
        pair.standby.start()
        yield pair
    finally:
        for server in (pair.standby, pair.primary):
            if (server.data / "postmaster.pid").exists():
                server.stop("immediate")


@pytest.fixture(autouse=True)
def well(pair: Pair) -> None:
    """Each test begins with a standby that has everything."""
    until(lambda: sides(pair) == ("green", "green"))


def sides(pair: Pair) -> tuple[str, str]:
    return (
        pair.health(pair.primary, ONE_SIDE)["state"],
        pair.health(pair.standby, OTHER_SIDE)["state"],
    )


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_both_sides_tell_of_the_same_standby(pair: Pair) -> None:
    there = pair.health(pair.primary, ONE_SIDE)
    here = pair.health(pair.standby, OTHER_SIDE)
    assert (there["name"], there["slot"], here["name"]) == ("second", "second", "second")
    assert (there["link"], there["sync_state"], there["wal_status"]) == (
        *("streaming", "async", "reserved"),
    )
    assert str(there["address"]) == "127.0.0.1"
    assert (here["link"], here["upstream"]) == ("streaming", f"127.0.0.1:{pair.primary.port}")
    assert (here["timeline"], here["replay"]) == (1, "not paused")
    assert not there["is_lag_tolerant"]
    assert not here["is_lag_tolerant"]
    for view, server in ((ONE_SIDE, pair.standby), (OTHER_SIDE, pair.primary)):
        with pair.connect(server, "operator") as connection:
            assert connection.execute(f"select * from ops.{view}".encode()).fetchall() == []


def test_commits_that_wait_for_a_standby_are_told(pair: Pair) -> None:
    pair.tell(pair.primary, "alter system set synchronous_standby_names = 'any 1 (second)'")
    pair.tell(pair.primary, "select pg_reload_conf()")
    until(lambda: pair.health(pair.primary, ONE_SIDE)["sync_state"] == "quorum")
    pair.tell(pair.primary, "alter system reset synchronous_standby_names")
    pair.tell(pair.primary, "select pg_reload_conf()")
    until(lambda: pair.health(pair.primary, ONE_SIDE)["sync_state"] == "async")


def test_a_paused_replay_is_behind(pair: Pair) -> None:
    pair.tell(pair.primary, "create table first (n integer)")
    with pair.connect(pair.standby) as reader:
        until(lambda: reader.execute("select to_regclass('first')").fetchone() != (None,))
    pair.tell(pair.standby, "select pg_wal_replay_pause()")
    try:
        until(lambda: pair.health(pair.standby, OTHER_SIDE)["replay"] == "paused")
        pair.tell(pair.primary, "create table written (n integer)")
        here = pair.health(pair.standby, OTHER_SIDE)
        assert here["state"] == "red"
        assert "pg_wal_replay_resume()" in here["problems"][0]
        until(lambda: pair.health(pair.standby, OTHER_SIDE)["replay_lag_s"] > 0.3)
        assert pair.health(pair.standby, OTHER_SIDE)["unreplayed_bytes"] > 0
        until(lambda: pair.health(pair.primary, ONE_SIDE, 0.2)["state"] == "red")
        there = pair.health(pair.primary, ONE_SIDE)
        assert there["state"] == "green"
        assert there["unreplayed_bytes"] > there["unflushed_bytes"] == 0
    finally:
        pair.tell(pair.standby, "select pg_wal_replay_resume()")
    until(lambda: pair.health(pair.standby, OTHER_SIDE)["replay_lag_s"] == 0)


def test_a_cancelled_read_is_counted_by_its_kind(pair: Pair) -> None:
    pair.tell(pair.primary, "create table if not exists read (n integer)")
    with pair.connect(pair.standby) as reader:
        until(lambda: reader.execute("select to_regclass('read')").fetchone() != (None,))
        before = pair.health(pair.standby, OTHER_SIDE)["cancelled_by_lock"]
        reader.execute("begin")
        reader.execute("lock table read in access share mode")
        pair.tell(pair.primary, "drop table read")
        with pytest.raises(psycopg.OperationalError):
            until(lambda: reader.execute("select 1").fetchone() is None)
    until(lambda: pair.health(pair.standby, OTHER_SIDE)["cancelled_by_lock"] == before + 1)
    assert pair.health(pair.standby, OTHER_SIDE)["cancelled_by_snapshot"] == 0


def test_a_standby_that_is_down_is_missed_and_what_is_kept_for_it_told(pair: Pair) -> None:
    pair.standby.stop()
    until(lambda: pair.health(pair.primary, ONE_SIDE)["link"] == "absent")
    before = pair.health(pair.primary, ONE_SIDE)
    assert (before["name"], before["state"], before["sync_state"]) == ("second", "red", None)
    pair.tell(pair.primary, "select pg_logical_emit_message(false, 'x', repeat('x', 1000000))")
    after = pair.health(pair.primary, ONE_SIDE)
    assert after["retained_bytes"] > before["retained_bytes"] + 900_000
    pair.standby.start()


def test_without_its_primary_a_standby_says_so(pair: Pair) -> None:
    pair.primary.stop()
    until(lambda: pair.health(pair.standby, OTHER_SIDE)["link"] == "absent")
    here = pair.health(pair.standby, OTHER_SIDE)
    assert (here["state"], here["upstream"], here["replay_lag_s"]) == ("red", None, None)
    assert "receives nothing" in here["problems"][0]
    pair.primary.start()
