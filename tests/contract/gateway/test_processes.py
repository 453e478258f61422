"""Which process answers, and who notices that one has died."""

import contextlib
import threading
import time
from collections.abc import Callable
from uuid import uuid4

import httpx
import psycopg

from tests.contract.gateway.conftest import Apis
from tests.contract.serving import bearer
from tests.nginx import Front

ME = "6a2f41a3-c54c-4be8-8a2f-41a3c54cfbe8"


def test_calls_are_spread_over_the_processes(caller: httpx.Client, front: Front) -> None:
    names = [f"spread-{number}-{uuid4()}" for number in range(8)]
    for name in names:
        assert caller.get("/rpc/echo?words=x", headers={"X-Request-Id": name}).status_code == 200
    asked = {front.logged(name)["process"] for name in names}
    assert asked == set(front.gateway.api)


def test_a_killed_process_costs_no_call_that_reads_or_can_be_repeated(
    front: Front, apis: Apis
) -> None:
    answers: list[tuple[int, str]] = []
    ends = threading.Event()

    def call(number: int) -> None:
        with httpx.Client(base_url=front.url, timeout=30) as client:
            while not ends.is_set():
                with contextlib.suppress(httpx.RemoteProtocolError):  # an answer that had begun
                    if number % 2:
                        answer = client.get("/rpc/wait?seconds=0.01")
                    else:
                        key = {"Idempotency-Key": str(uuid4())}
                        headers = bearer(sub=ME) | key
                        answer = client.post("/rpc/count_call", json={}, headers=headers)
                    answers.append((answer.status_code, answer.text if answer.is_error else ""))

    callers = [threading.Thread(target=call, args=[number], daemon=True) for number in range(8)]
    for thread in callers:
        thread.start()
    try:
        for port in apis.ports:  # one after the other, with no time in between
            wait_for_more(answers)
            apis.kill(port)
            wait_for_more(answers)
            apis.start(port)
        wait_for_more(answers)
    finally:
        ends.set()
        for thread in callers:
            thread.join()
    assert set(answers) == {(200, ""), (204, "")}


def test_a_write_without_a_key_is_never_sent_twice(
    front: Front, apis: Apis, database: psycopg.Connection
) -> None:
    """Nobody knows what has become of it, and so the answer says."""
    found: list[httpx.Response] = []

    def write() -> None:
        body = {"value": 1, "seconds": 2}
        found.append(httpx.post(f"{front.url}/rpc/write_note", json=body, timeout=30))

    running = "select from pg_stat_activity where wait_event = 'PgSleep'"
    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    _wait_until(lambda: database.execute(running).rowcount == 1)
    for port in apis.ports:
        apis.kill(port)
    thread.join()
    assert found[0].status_code == 503
    assert found[0].json()["code"] == "PGRST000"
    _wait_until(lambda: database.execute(running).rowcount == 0)
    apis.heal()


def test_with_no_process_left_callers_are_told_to_come_back(
    caller: httpx.Client, front: Front, apis: Apis
) -> None:
    for port in apis.ports:
        apis.kill(port)
    for method, path in (("GET", "/rpc/echo?words=x"), ("POST", "/rpc/raise_sos"), ("GET", "/")):
        answer = caller.request(method, path)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        assert answer.headers["proxy-status"] == "PostgREST; error=PGRST000"
        assert list(answer.json()) == ["code", "message", "details", "hint"]
    apis.heal()
    # At once: nobody is left out because it was down a moment ago.
    assert [caller.get("/rpc/echo?words=x").status_code for _ in range(10)] == [200] * 10


def wait_for_more(answers: list[object], number: int = 40) -> None:
    wanted = len(answers) + number
    _wait_until(lambda: len(answers) >= wanted)


def _wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.005)
