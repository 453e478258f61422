"""nginx reads its configuration anew while it is busy."""

import signal
import threading
import time

import httpx
import psycopg

from tests.contract.gateway.conftest import Apis
from tests.contract.gateway.test_processes import ME, wait_for_more
from tests.contract.serving import bearer
from tests.nginx import Front, running_gateway

RELOADS = 4


def reload(front: Front) -> None:
    """Return once none of the workers that served takes new connections."""
    before = set(front.workers)
    front.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 20
    while not set(front.workers) - before:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_reload_under_load_costs_no_call_and_does_none_twice(
    started: Apis, database: psycopg.Connection
) -> None:
    """A kept connection may be closed when its next call is on the way: that call was not read, and
    is sent again, as every client has to.
    """
    started.heal()
    answers: list[int] = []
    counted: list[int] = []
    ends = threading.Event()

    def call(front: Front, number: int) -> None:
        with httpx.Client(base_url=front.url, timeout=30, headers=bearer(sub=ME)) as client:
            while not ends.is_set():
                if number % 2:  # a connection of its own
                    answer = httpx.get(f"{front.url}/rpc/wait?seconds=0.05", timeout=30)
                else:
                    answer = _twice(client)
                    counted.append(answer.status_code)
                answers.append(answer.status_code)

    limits = {"calls_per_s": 10_000, "burst": 10_000}
    with running_gateway(api=started.ports, **limits) as front:
        before = next_of_the_count(database)
        callers = [
            threading.Thread(target=call, args=[front, number], daemon=True) for number in range(8)
        ]
        for thread in callers:
            thread.start()
        try:
            for _ in range(RELOADS):
                wait_for_more(answers)
                reload(front)
            wait_for_more(answers)
        finally:
            ends.set()
            for thread in callers:
                thread.join()
        after = next_of_the_count(database)
    assert set(answers) <= {200, 204}
    assert after - before - 1 == len(counted)


def next_of_the_count(database: psycopg.Connection) -> int:
    [value] = database.execute("select nextval('api.calls')").fetchone() or (0,)
    return int(value)


def _twice(client: httpx.Client) -> httpx.Response:
    """A POST without a key, sent again where the kept connection had been closed before it."""
    try:
        return client.post("/rpc/count_call", json={})
    except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
        return client.post("/rpc/count_call", json={})
