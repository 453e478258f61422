"""Watchers through the gateway: the same token meets the same process, while that is there."""

import contextlib
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest
from websockets.sync.client import connect

from ops.cluster import free_port
from tests.conftest import Primary
from tests.contract.gateway.conftest import Apis
from tests.contract.serving import bearer, serve
from tests.nginx import Front, running_gateway


@pytest.fixture(scope="module")
def lives(database, primary: Primary, standby: Primary) -> Iterator[Apis]:
    def start_one(port: int):
        return serve(
            [primary.port, standby.port],
            "contract",
            primary.password,
            module="api.live",
            SAFEROUTE_API_PORT=str(port),
            SAFEROUTE_API_PROCESSES="6",
            SAFEROUTE_DATABASE_CONNECTIONS="31",
        )

    processes = Apis(start_one, (free_port(), free_port()))
    try:
        processes.heal()
        yield processes
    finally:
        processes.close()


@pytest.fixture(scope="module")
def front(started: Apis, lives: Apis) -> Iterator[Front]:
    limits = {"calls_per_s": 10_000, "burst": 10_000, "watchers": 3}
    with running_gateway(api=started.ports, live=lives.ports, **limits) as running:
        yield running


def greeted_by(front: Front, headers: dict[str, str]) -> int:
    """Connect, be greeted, leave: the port of the process that did it."""
    name = f"watch-{uuid4()}"
    url = f"ws://127.0.0.1:{front.gateway.port}/live"
    with connect(url, additional_headers={**headers, "X-Request-Id": name}) as watcher:
        assert '"hello"' in str(watcher.recv(timeout=20))
    line = front.logged(name)
    assert (line["path"], line["status"]) == ("/live", 101)
    return int(line["process"].rpartition(":")[2])


def test_a_token_meets_its_process_and_another_once_that_is_gone(front: Front, lives: Apis) -> None:
    tokens = [bearer(sub=str(uuid4())) for _ in range(12)]
    homes = [greeted_by(front, token) for token in tokens]
    assert set(homes) == set(lives.ports)
    assert [greeted_by(front, token) for token in tokens] == homes
    lives.kill(homes[0])
    [other] = set(lives.ports) - {homes[0]}
    assert greeted_by(front, tokens[0]) == other
    lives.heal()


def test_a_page_sends_its_token_as_a_protocol(front: Front) -> None:
    token = bearer(sub=str(uuid4()))["Authorization"].removeprefix("Bearer ")
    url = f"ws://127.0.0.1:{front.gateway.port}/live"
    with connect(url, subprotocols=["bearer", token]) as watcher:  # type: ignore[list-item]
        assert '"hello"' in str(watcher.recv(timeout=20))
        assert watcher.subprotocol == "bearer"
    assert token[:20] not in front.gateway.access_log.read_text() + front.errors()


def test_an_address_has_so_many_watchers(front: Front) -> None:
    url = f"ws://127.0.0.1:{front.gateway.port}/live"
    headers = bearer(sub=str(uuid4()))
    with contextlib.ExitStack() as watchers:
        for _ in range(3):
            watchers.enter_context(connect(url, additional_headers=headers))
        refused = httpx.get(f"{front.url}/live", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (429, "SR070")


def test_a_stream_of_events_comes_as_it_happens(front: Front) -> None:
    person = str(uuid4())
    url = f"{front.url}/live/events?topic=user:{person}"
    with httpx.stream("GET", url, headers=bearer(sub=person), timeout=20) as stream:
        assert stream.status_code == 200
        assert "subscribed" in next(line for line in stream.iter_lines() if line)
