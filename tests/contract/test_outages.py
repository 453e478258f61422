"""What becomes of calls that are under way, or come, while there is no primary, or no standby."""

import json
import re
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest

from ops.cluster import Server, run
from tests.conftest import Primary
from tests.contract.pair import Pair, serve_pair
from tests.contract.serving import bearer
from tests.contract.test_ingest import Walk, point, start
from tests.contract.test_rpc import assert_error, eventually

PATIENCE = 8
"""Seconds that a write waits for a primary."""


@pytest.fixture
def pair(cluster_directory: Path) -> Iterator[Pair]:
    with serve_pair(cluster_directory) as served:
        yield served


@pytest.fixture(scope="module")
def lasting_pair(cluster_directory: Path) -> Iterator[Pair]:
    """For tests that leave it as they found it."""
    with serve_pair(cluster_directory) as served:
        yield served


class Callers:
    """People who call at the same time."""

    def __init__(self, pair: Pair) -> None:
        self._pair = pair
        self._pool = ThreadPoolExecutor(64)
        self.client = httpx.Client(
            base_url=pair.api.url, timeout=30, limits=httpx.Limits(max_connections=64)
        )

    def post(
        self, name: str, body: object, headers: dict[str, str] | None = None
    ) -> "Future[httpx.Response]":
        return self._pool.submit(self.client.post, f"/rpc/{name}", json=body, headers=headers)

    def order(self, item: str) -> "Future[httpx.Response]":
        key = {"Idempotency-Key": str(uuid.uuid4())}
        return self.post("place_order", {"item": item}, bearer(sub=str(uuid.uuid4())) | key)

    def help(self, alert_id: uuid.UUID, person: str) -> "Future[httpx.Response]":
        return self.post("raise_sos", {"alert_id": str(alert_id)}, bearer(sub=person))

    def under_way(self, count: int) -> None:
        """Return once the API is at work on so many calls."""
        eventually(lambda: self._in_flight() == count)

    def _in_flight(self) -> int:
        shown = httpx.get(f"{self._pair.api.admin}/metrics").text
        found = re.search(r"^saferoute_requests_in_flight (\d+)", shown, re.MULTILINE)
        return int(found[1]) if found else 0

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)
        self.client.close()


@contextmanager
def callers(pair: Pair) -> Iterator[Callers]:
    found = Callers(pair)
    try:
        yield found
    finally:
        found.close()


@contextmanager
def superuser(pair: Pair, server: Server) -> Iterator[psycopg.Connection]:
    where = Primary(server, pair.password).conninfo("postgres")
    with psycopg.connect(where, autocommit=True) as connection:
        yield connection


def processes(server: Server) -> list[psutil.Process]:
    postmaster = psutil.Process(int((server.data / "postmaster.pid").read_text().split()[0]))
    return [postmaster, *postmaster.children(recursive=True)]


def waiting_for(connection: psycopg.Connection, event: str) -> list[int]:
    """Backends of the API that wait for this."""
    rows = connection.execute(
        "select pid from pg_stat_activity where wait_event = %s and usename = 'authenticator'",
        [event],
    )
    return [pid for (pid,) in rows]


def timed(future: Callable[[], Any]) -> float:
    began = time.monotonic()
    future()
    return time.monotonic() - began


def test_what_may_be_sent_again_waits_for_the_new_primary(pair: Pair) -> None:
    walk = Walk()
    with superuser(pair, pair.primary) as database:
        start(database, [walk])
        database.execute("insert into core.endpoints values ('write_note', 'writes', true)")
    pair.replayed()
    points = {"journey_id": walk.journey_id, "points": [point()]}
    with callers(pair) as people:
        # Whether it has happened nobody can know: it was on its way when the primary died.
        lost = people.post("write_note", {"value": 7, "seconds": 20})
        people.under_way(1)
        pair.primary.stop("immediate")
        orders = [people.order(f"item {number}") for number in range(20)]
        alert_id, person = uuid.uuid4(), str(uuid.uuid4())
        helped = [people.help(alert_id, person) for _ in range(2)]
        stored = [people.post("record_points", points, bearer(sub=walk.person)) for _ in range(5)]
        people.under_way(28)
        for _ in range(5):  # nobody else waits
            assert timed(lambda: assert_error(pair.write(), 503, "PGRST000")) < 1
        run("pg_ctl", "-D", pair.standby.data, "-w", "promote")
        assert {answer.result().status_code for answer in (*orders, *helped, *stored)} == {200}
        assert helped[0].result().json()["alert_id"] == str(alert_id)
        # It sleeps again, longer than a write may take in all.
        assert_error(lost.result(), 503, "57014")
    assert pair.ask(pair.standby, "select count(*) from api.orders") == 20
    assert pair.ask(pair.standby, "select count(*) from core.alerts") == 1
    assert pair.ask(pair.standby, "select count(*) from core.journey_points") == 1


def test_a_lost_connection_costs_nobody_a_call_that_may_be_sent_again(lasting_pair: Pair) -> None:
    pair = lasting_pair
    with superuser(pair, pair.primary) as database, callers(pair) as people:
        database.execute("select pg_advisory_lock(174174)")
        key = {"Idempotency-Key": str(uuid.uuid4())}
        headers = bearer(sub=str(uuid.uuid4())) | key
        again = people.post("place_slowly", {"item": "again"}, headers)
        once = people.post("place_slowly", {"item": "once"}, bearer(sub=str(uuid.uuid4())))
        eventually(lambda: len(waiting_for(database, "advisory")) == 2)
        for pid in waiting_for(database, "advisory"):
            database.execute("select pg_terminate_backend(%s)", [pid])
        assert_error(once.result(), 503, "PGRST000")
        eventually(lambda: len(waiting_for(database, "advisory")) == 1)
        database.execute("select pg_advisory_unlock(174174)")
        assert again.result().status_code == 200
        items = "select array_agg(item) from api.orders where item in ('once', 'again')"
        assert pair.ask(pair.primary, items) == ["again"]


def test_no_call_waits_for_ever(pair: Pair) -> None:
    pair.primary.stop("immediate")
    with callers(pair) as people:
        began = time.monotonic()
        answers = [people.order("late") for _ in range(3)]
        for answer in answers:
            assert_error(answer.result(), 503, "PGRST000")
            assert answer.result().headers["retry-after"] == "1"
        assert PATIENCE - 0.5 < time.monotonic() - began < PATIENCE + 1


def test_what_only_one_server_has_is_not_acknowledged(lasting_pair: Pair) -> None:
    """PostgreSQL answers with success, and a warning, where the wait for a standby was ended."""
    pair, alert_id, person, walk = lasting_pair, uuid.uuid4(), str(uuid.uuid4()), Walk()
    with superuser(pair, pair.primary) as database, callers(pair) as people:
        start(database, [walk])
        set_standbys(database, "absent")
        try:
            cut_short = people.post("write_note", {"value": 3})
            helped = people.help(alert_id, person)
            eventually(lambda: len(waiting_for(database, "SyncRep")) == 2)
            # Positions need no standby.
            body = walk.body(json.dumps([point()]))
            stored = people.client.post("/rpc/record_points", content=body, headers=walk.headers)
            assert stored.json()["accepted"] == 1

            for pid in waiting_for(database, "SyncRep"):
                database.execute("select pg_cancel_backend(%s)", [pid])
            assert_error(cut_short.result(), 503, "PGRST000")
            # The call for help is sent again. It finds itself there, and waits all the same.
            eventually(lambda: len(waiting_for(database, "SyncRep")) == 1)
            alerts = "select count(*) from core.alerts where alert_id = %s"
            assert database.execute(alerts, [alert_id]).fetchone() == (1,)
            # So does one that comes later, and a retry with a key.
            later = people.help(alert_id, person)
            eventually(lambda: len(waiting_for(database, "SyncRep")) == 2)
            assert not helped.done()
            assert not later.done()
        finally:
            set_standbys(database, "")
        for answer in (helped, later):
            assert answer.result().json()["alert_id"] == str(alert_id)
        # A connection serves the next as if nothing had been.
        for _ in range(30):
            assert people.client.post("/rpc/write_note", json={"value": 4}).status_code == 204


def test_a_retry_with_a_key_waits_for_the_standbys(lasting_pair: Pair) -> None:
    pair = lasting_pair
    headers = bearer(sub=str(uuid.uuid4())) | {"Idempotency-Key": str(uuid.uuid4())}
    with superuser(pair, pair.primary) as database, callers(pair) as people:
        assert people.post("place_order", {"item": "x"}, headers).result().status_code == 200
        set_standbys(database, "absent")
        try:
            again = people.post("place_order", {"item": "x"}, headers)
            eventually(lambda: len(waiting_for(database, "SyncRep")) == 1)
            assert not again.done()
        finally:
            set_standbys(database, "")
        assert again.result().headers["idempotency-replayed"] == "true"


def set_standbys(database: psycopg.Connection, names: str) -> None:
    database.execute(f"alter system set synchronous_standby_names = '{names}'".encode())
    database.execute("select pg_reload_conf()")
    shown = "select setting from pg_settings where name = 'synchronous_standby_names'"
    eventually(lambda: database.execute(shown).fetchone() == (names,))


@contextmanager
def replay_waits_for_nobody(pair: Pair) -> Iterator[None]:
    with superuser(pair, pair.standby) as database:
        set_delays(database, "0")
        yield
        set_delays(database, "30000")


def set_delays(database: psycopg.Connection, milliseconds: str) -> None:
    """Of streaming, and of what was received from a primary that is gone."""
    names = ["max_standby_streaming_delay", "max_standby_archive_delay"]
    for name in names:
        database.execute(f"alter system set {name} = {milliseconds}".encode())
    database.execute("select pg_reload_conf()")
    shown = "select count(*) from pg_settings where name = any(%s) and setting = %s"
    eventually(lambda: database.execute(shown, [names, milliseconds]).fetchone() == (2,))


def reading(pair: Pair) -> bool:
    """Whether the API is reading on the standby."""
    with superuser(pair, pair.standby) as database:
        return bool(waiting_for(database, "PgSleep"))


def test_a_read_that_replay_cancels_is_answered_by_the_primary(lasting_pair: Pair) -> None:
    pair = lasting_pair
    with replay_waits_for_nobody(pair), callers(pair) as people:
        read = people.post("read_note_slowly", {"seconds": 1})
        eventually(lambda: reading(pair))
        pair.ask(pair.primary, "truncate api.empty_note")
        assert read.result().json() == {"is_standby": False}


def test_a_read_that_replay_cancels_and_nobody_else_can_answer(pair: Pair) -> None:
    with replay_waits_for_nobody(pair), callers(pair) as people:
        pair.ask(pair.standby, "select pg_wal_replay_pause()")
        pair.ask(pair.primary, "truncate api.empty_note")
        received = "select pg_last_wal_receive_lsn() >= %s"
        with superuser(pair, pair.primary) as primary, superuser(pair, pair.standby) as standby:
            [lsn] = primary.execute("select pg_current_wal_flush_lsn()").fetchone() or [None]
            eventually(lambda: standby.execute(received, [lsn]).fetchone() == (True,))
        read = people.post("read_note_slowly", {"seconds": 5})
        eventually(lambda: reading(pair))
        pair.primary.stop("immediate")
        pair.ask(pair.standby, "select pg_wal_replay_resume()")
        assert_error(read.result(), 503, "40001")
        assert read.result().headers["retry-after"] == "1"


def test_reads_leave_a_standby_that_is_silent(lasting_pair: Pair) -> None:
    """Its host is paused, or cut off without a word: no connection breaks."""
    pair = lasting_pair
    eventually(pair.reads_on_standby)
    stopped: list[psutil.Process] = []
    with callers(pair) as people:
        try:
            for process in processes(pair.standby):
                process.send_signal(signal.SIGSTOP)
                stopped.append(process)
            answers = [people.post("where_read", {}) for _ in range(20)]
            # Half a second until it is looked at, one for its answer.
            took = timed(lambda: [answer.result() for answer in answers])
            assert {answer.result().json()["is_standby"] for answer in answers} == {False}
            assert took < 4
            assert timed(lambda: pair.write().raise_for_status()) < 1
        finally:
            for process in stopped:
                process.send_signal(signal.SIGCONT)
    eventually(pair.reads_on_standby)
