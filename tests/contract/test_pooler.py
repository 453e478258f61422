"""The API through PgBouncer: hundreds of connections of clients on a few of the server."""

import os
import re
import shutil
import subprocess
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from common.settings import Settings
from ops import pooler
from ops.cluster import free_port
from ops.errors import OperatorError
from tests.conftest import Primary
from tests.contract.conftest import FUNCTIONS
from tests.contract.serving import bearer, database_to_serve, serve
from tests.contract.test_outages import set_standbys, waiting_for
from tests.contract.test_rpc import assert_error, eventually

PROGRAM = os.environ.get("SAFEROUTE_TEST_PGBOUNCER") or shutil.which(
    "pgbouncer", path=f"/usr/sbin:{os.environ['PATH']}"
)
"""SAFEROUTE_TEST_PGBOUNCER names another one than is installed."""


def version() -> tuple[int, int]:
    if PROGRAM is None:
        pytest.skip("no PgBouncer is installed, and SAFEROUTE_TEST_PGBOUNCER names none")
    told = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.match(r"PgBouncer (\d+)\.(\d+)", told)
    assert found is not None
    return int(found[1]), int(found[2])


def test_one_that_breaks_prepared_statements_is_refused() -> None:
    if version() >= (1, 21):
        pytest.skip(f"{PROGRAM} is 1.21 or newer")
    with pytest.raises(OperatorError, match=r"PgBouncer 1\.\d+ breaks prepared statements"):
        pooler.check(PROGRAM or "")


def test_one_that_does_not_run_is_refused() -> None:
    with pytest.raises(OperatorError, match="does not run here"):
        pooler.check("/nonexistent/pgbouncer")


CONNECTIONS, PROCESSES = 14, 5
OURS = (
    "select count(*) from pg_stat_activity where usename = 'authenticator' and datname = 'pooled'"
)


@contextmanager
def running(port: int, primary: Primary, folder: Path) -> Iterator[Settings]:
    """A pooler before the server, and the settings of those who use it."""
    known = Settings(
        database="pooled",
        database_hosts=f"127.0.0.1:{primary.port}",
        database_connections=CONNECTIONS,
        api_processes=PROCESSES,
        pooler_port=port,
        authenticator_password=primary.password,
    )
    pooler.check(PROGRAM or "")
    for name, text in pooler.render(known, ("127.0.0.1", primary.port), folder).items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o644)
    for each in (folder, *folder.parents[:2]):
        each.chmod(0o755)
    command = [PROGRAM or "", "-q", str(folder / "pgbouncer.ini")]
    user = "nobody" if os.geteuid() == 0 else None
    with subprocess.Popen(command, user=user, stderr=subprocess.DEVNULL) as process:
        try:
            yield known
        finally:
            process.kill()


def test_many_processes_share_few_connections(primary: Primary, template, tmp_path: Path) -> None:
    if version() < (1, 21):
        pytest.skip(f"{PROGRAM} is older than 1.21: SAFEROUTE_TEST_PGBOUNCER names another one")
    port = free_port()
    settings = {
        "SAFEROUTE_DATABASE_CONNECTIONS": str(CONNECTIONS),
        "SAFEROUTE_API_PROCESSES": str(PROCESSES),
        "SAFEROUTE_POOLER_PORT": str(port),
    }
    with (
        database_to_serve(primary, template, "pooled") as database,
        running(port, primary, tmp_path) as _,
        ExitStack() as stack,
    ):
        database.execute(FUNCTIONS.read_bytes())
        apis = [
            stack.enter_context(serve([primary.port], "pooled", primary.password, **settings))
            for _ in range(PROCESSES)
        ]
        pool_of_one = stack.enter_context(ThreadPoolExecutor(1))
        clients = [stack.enter_context(httpx.Client(base_url=api.url, timeout=20)) for api in apis]
        for client in clients:  # the pooler connects when somebody asks
            eventually(lambda: client.get("/rpc/nothing").status_code == 200)  # noqa: B023
        counts = []
        stop = threading.Event()

        def count() -> None:
            where = primary.conninfo("postgres")
            with psycopg.connect(where, autocommit=True) as connection:
                while not stop.is_set():
                    row = connection.execute(OURS).fetchone()
                    counts.append(row[0] if row else 0)

        def call(number: int) -> list[int]:
            client, person = clients[number % PROCESSES], bearer(sub=str(uuid.uuid4()))
            key = {"Idempotency-Key": str(uuid.uuid4())}
            helped = {"alert_id": str(uuid.uuid4())}
            return [
                client.get("/rpc/echo", params={"words": "x"}).status_code,
                client.post(
                    "/rpc/place_order", json={"item": "x"}, headers=person | key
                ).status_code,
                client.post("/rpc/raise_sos", json=helped, headers=person).status_code,
                client.post("/rpc/wait", json={"seconds": 0.05}).status_code,
                client.post("/rpc/echo_types", json={"list": [1], "flag": True}).status_code,
            ]

        watch = threading.Thread(target=count)
        watch.start()
        with ThreadPoolExecutor(20) as pool:
            statuses = [status for found in pool.map(call, range(100)) for status in found]
        stop.set()
        watch.join()
        assert set(statuses) == {200, 204}
        # Each process watches by one; the pooler has what is left, and one is for who asks.
        assert PROCESSES < max(counts) <= CONNECTIONS - 1
        orders = "select count(*) from api.orders"
        assert database.execute(orders).fetchone() == (100,)
        # Nobody who waits for a cancelled call's connection gets what was meant for another.
        assert_error(clients[0].post("/rpc/wait", json={"seconds": 30}), 503, "57014")
        assert clients[0].get("/rpc/echo", params={"words": "y"}).json() == "y"
        # What PostgreSQL warns of gets through to who would acknowledge it.
        set_standbys(database, "absent")
        try:
            written = pool_of_one.submit(clients[0].post, "/rpc/write_note", json={"value": 3})
            eventually(lambda: len(waiting_for(database, "SyncRep")) == 1)
            for pid in waiting_for(database, "SyncRep"):
                database.execute("select pg_cancel_backend(%s)", [pid])
            assert_error(written.result(), 503, "PGRST000")
        finally:
            set_standbys(database, "")
        # Its connections cut under it: calls that may be sent again are.
        database.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where usename = 'authenticator' and datname = 'pooled'"
        )
        eventually(lambda: clients[1].get("/rpc/echo", params={"words": "z"}).status_code == 200)
        assert call(2) == [200, 200, 200, 204, 200]
