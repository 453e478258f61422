"""All API processes share the connections to a server, and none takes another's."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import psycopg
import pytest

from tests.conftest import Primary, wait_for_replay
from tests.contract.conftest import FUNCTIONS
from tests.contract.serving import Api, database_to_serve, serve
from tests.contract.test_rpc import assert_error, eventually

BUDGET = 13
OURS = (
    "select count(*) from pg_stat_activity where usename = 'authenticator' and datname = 'budget'"
)


@pytest.fixture
def hosts(primary: Primary, standby: Primary, template) -> Iterator[list[int]]:
    """A database of its own: processes of other tests have their places in theirs."""
    with database_to_serve(primary, template, "budget") as connection:
        connection.execute(FUNCTIONS.read_bytes())
        wait_for_replay(primary, standby)
        yield [primary.port, standby.port]


def test_processes_never_have_more_than_the_budget(
    hosts: list[int], primary: Primary, standby: Primary
) -> None:
    settings = {
        "SAFEROUTE_DATABASE_CONNECTIONS": str(BUDGET),
        "SAFEROUTE_API_PROCESSES": "2",
    }

    def start(stack: ExitStack) -> Api:
        return stack.enter_context(serve(hosts, "budget", primary.password, **settings))

    with ExitStack() as stack, ExitStack() as ends_early:
        apis = [start(ends_early), start(stack)]
        late = start(stack)
        ready = httpx.get(f"{late.admin}/ready")
        states = [server["state"] for server in ready.json()["servers"]]
        assert (ready.status_code, states) == (503, ["full", "full"])
        assert_error(httpx.get(late.rpc("where_read")), 503, "PGRST002")

        open_on = {
            server.port: stack.enter_context(
                psycopg.connect(server.conninfo("postgres"), autocommit=True)
            )
            for server in (primary, standby)
        }
        stop = threading.Event()

        def load(api: Api, path: str) -> None:
            with httpx.Client(timeout=20) as client:
                while not stop.is_set():
                    client.post(api.rpc(path), json={"seconds": 0.01})

        threads = [
            threading.Thread(target=load, args=(api, path))
            for api in (*apis, late)
            for path in ("wait", "wait_writing", "look_at_help", "call_for_help") * 4
        ]
        for thread in threads:
            thread.start()
        try:
            counts: list[int] = []
            deadline = time.monotonic() + 10
            while len(counts) < 120 or (max(counts) < BUDGET - 1 and time.monotonic() < deadline):
                counts += (open.execute(OURS).fetchone()[0] for open in open_on.values())
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert BUDGET - 1 <= max(counts) <= BUDGET

        ends_early.close()
        eventually(lambda: httpx.get(f"{late.admin}/ready").status_code == 200)
        eventually(lambda: httpx.get(late.rpc("where_read")).status_code == 200)
        told = late.log.read_text()
        for port in hosts:
            assert told.count(f"127.0.0.1:{port} is not used: 2 other processes") == 1


def test_too_few_connections_are_refused_at_the_start(
    primary: Primary, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = {"SAFEROUTE_DATABASE_CONNECTIONS": "6", "SAFEROUTE_API_PROCESSES": "2"}
    with pytest.raises(AssertionError), serve([primary.port], "postgres", "none", **settings):
        pass
    [line] = capfd.readouterr().err.splitlines()
    assert line.startswith("saferoute: 6 connections for 2 processes")


def test_who_dies_without_a_word_keeps_no_connection(hosts: list[int], primary: Primary) -> None:
    """The server asks who is silent for 5 s, and gives up 6 s later."""
    where = primary.conninfo("budget")
    with psycopg.connect(where, user="authenticator") as connection:
        shown = connection.execute(
            "select current_setting('tcp_keepalives_idle'), current_setting('tcp_user_timeout')"
        ).fetchone()
    assert shown == ("5", "10000")  # ms
