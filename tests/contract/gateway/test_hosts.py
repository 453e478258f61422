"""Two gateway hosts in front of the same processes: what one address may then do."""

from collections.abc import Iterator

import httpx
import pytest

from ops.cluster import free_port
from tests.contract.gateway.conftest import BURST, CALLS_AT_ONCE, Apis
from tests.contract.gateway.test_limits import client
from tests.nginx import Front, running_gateway

CLIENT, NEIGHBOUR = "127.0.7.1", "127.0.7.2"


@pytest.fixture(scope="module")
def hosts(started: Apis) -> Iterator[tuple[Front, Front]]:
    """The one that has the public address, and the one that waits for it."""
    limits = {"calls_per_s": 1, "burst": BURST, "connections": CALLS_AT_ONCE}
    with (
        running_gateway(api=started.ports, **limits) as active,
        running_gateway(api=started.ports, **limits) as waiting,
    ):
        yield active, waiting


def admitted(front: Front, address: str, calls: int) -> int:
    """Of so many calls in a row."""
    with client(front, address) as caller:
        statuses = [caller.get("/rpc/echo?words=x").status_code for _ in range(calls)]
    assert set(statuses) <= {200, 429}
    return statuses.count(200)


def test_who_moves_with_the_address_or_asks_both_gets_at_most_twice(
    hosts: tuple[Front, Front],
) -> None:
    """The hosts do not tell each other what they have admitted."""
    active, waiting = hosts
    slack = 5  # one a second while the test runs
    assert BURST <= admitted(active, CLIENT, BURST + 10) <= BURST + slack
    assert BURST <= admitted(waiting, CLIENT, BURST + 10) <= BURST + slack
    assert admitted(active, CLIENT, 10) + admitted(waiting, CLIENT, 10) <= 2 * slack
    assert admitted(active, NEIGHBOUR, 10) == admitted(waiting, NEIGHBOUR, 10) == 10


def test_each_tells_those_who_look_after_it_that_it_is_alive() -> None:
    status = f"127.0.0.1:{free_port()}"
    with running_gateway(api=(1,), status=status) as front:
        assert httpx.get(f"http://{status}/alive").status_code == 204  # whatever is behind it
        assert "Active connections" in httpx.get(f"http://{status}/status").text
        assert httpx.get(f"{front.url}/alive").status_code == 503
        assert httpx.get(f"http://{status}/rpc/echo").status_code == 404
