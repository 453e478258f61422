"""The first layer of limits: per address and per API key, and never for a call for help."""

import threading
import time

import httpx
import psycopg

from ops.gateway import VITAL
from tests.contract.gateway.conftest import BURST, CALLS_AT_ONCE
from tests.nginx import Front


def client(front: Front, address: str) -> httpx.Client:
    """One that calls from this address."""
    transport = httpx.HTTPTransport(local_address=address)
    return httpx.Client(base_url=front.url, transport=transport, timeout=30)


def refilled_since(began: float) -> float:
    """Calls that may have been let through: the burst, the one it is beside, and one a second."""
    return BURST + 1 + (time.monotonic() - began)


def test_an_address_has_so_many_calls_at_once_and_others_have_theirs(strict_front: Front) -> None:
    with client(strict_front, "127.0.5.1") as greedy, client(strict_front, "127.0.5.2") as other:
        began = time.monotonic()
        statuses = []
        while (refused := greedy.get("/rpc/echo?words=x")).status_code != 429:
            statuses.append(refused.status_code)
        assert BURST <= statuses.count(200) == len(statuses) <= refilled_since(began)
        assert refused.headers["retry-after"] == "1"
        assert refused.headers["proxy-status"] == "PostgREST; error=SR070"
        assert refused.json()["code"] == "SR070"
        assert other.get("/rpc/echo?words=x").status_code == 200


def test_who_is_refused_can_still_call_for_help(strict_front: Front) -> None:
    with client(strict_front, "127.0.5.3") as greedy:
        for name in VITAL:
            while greedy.get("/rpc/echo?words=x").status_code != 429:
                pass
            answers = [greedy.post(f"/rpc/{name}", json={}).status_code for _ in range(BURST + 5)]
            assert 429 not in answers, name


def test_a_call_for_help_is_what_the_database_says_it_is(db: psycopg.Connection) -> None:
    rows = db.execute("select endpoint from core.endpoints where class = 'sos'").fetchall()
    assert {name for (name,) in rows} == set(VITAL)


def test_a_key_is_limited_whatever_addresses_it_comes_from(strict_front: Front) -> None:
    headers = {"X-API-Key": "sr_" + "a" * 40}
    began = time.monotonic()
    statuses: list[int] = []
    while 429 not in statuses:
        with client(strict_front, f"127.0.6.{len(statuses) + 1}") as caller:
            statuses.append(caller.get("/rpc/echo?words=x", headers=headers).status_code)
    assert BURST <= statuses.count(401) <= refilled_since(began)  # nobody knows this key
    with client(strict_front, "127.0.6.254") as caller:
        other = {"X-API-Key": "sr_" + "b" * 40}
        assert caller.get("/rpc/echo?words=x", headers=other).status_code == 401


def test_so_many_calls_of_an_address_run_at_a_time(strict_front: Front) -> None:
    statuses: list[int] = []

    def call(path: str) -> None:
        with client(strict_front, "127.0.5.4") as caller:
            statuses.append(caller.get(path).status_code)

    path = "/rpc/wait?seconds=1"
    callers = [threading.Thread(target=call, args=[path]) for _ in range(CALLS_AT_ONCE + 4)]
    for thread in callers:
        thread.start()
    for thread in callers:
        thread.join()
    assert statuses.count(429) >= 4
    assert statuses.count(200) + statuses.count(204) <= CALLS_AT_ONCE


def test_what_a_client_says_of_its_address_is_not_believed(strict_front: Front) -> None:
    with client(strict_front, "127.0.5.5") as liar:
        statuses = [
            liar.get(
                "/rpc/echo?words=x",
                headers={"X-Forwarded-For": f"192.0.2.{number}", "Forwarded": "for=192.0.2.1"},
            ).status_code
            for number in range(BURST + 10)
        ]
    assert 429 in statuses
