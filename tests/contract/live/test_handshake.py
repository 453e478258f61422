"""Who is let in, and who is told why not."""

import json
import time
from collections.abc import Callable

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from tests.contract.live.conftest import Client, Town
from tests.contract.serving import bearer
from tests.contract.test_rpc import eventually

Join = Callable[..., Client]
PAGE = "https://app.example"


def token(headers: dict[str, str]) -> str:
    return headers["Authorization"].partition(" ")[2]


def test_a_page_sends_its_token_as_a_subprotocol(town: Town, join: Join, person: str) -> None:
    offered = ["bearer", token(bearer(sub=person))]
    client = join(subprotocols=offered, origin=PAGE)
    assert client.connection.subprotocol == "bearer"
    assert client.next()["user_id"] == person


def test_firefox_is_let_in(town: Town, person: str) -> None:
    headers = {
        **bearer(sub=person),
        "Connection": "keep-alive, Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    url = town.gateways[0].url.replace("ws:", "http:")
    with httpx.stream("GET", f"{url}/live", headers=headers) as answer:
        assert answer.status_code == 101


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        ("/live", {}, 401, "PGRST302"),
        ("/live?token=eyJ", {}, 401, "PGRST302"),
        ("/other", {"Authorization": "Bearer x"}, 404, "PGRST125"),
        ("/live", {"Origin": "https://evil.example", "Authorization": "Bearer x"}, 403, "42501"),
    ],
)
def test_a_handshake_that_is_refused(
    town: Town, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    url = town.gateways[0].url.replace("ws:", "http:")
    answer = httpx.get(f"{url}{path}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Authorization": "Bearer a.b.c"}, 4401),
        ({"Authorization": f"{bearer(sub='x')['Authorization'][:-3]}abc"}, 4401),
        (bearer(exp=int(time.time()) - 60), 4401),
        (bearer("web_anon"), 4403),
        (bearer(sub="nobody"), 4403),
        ({"Authorization": "Bearer forged-token-of-a-share"}, 4404),
        ({"Authorization": "Basic eDp5"}, 4401),
    ],
)
def test_a_proof_that_does_not_hold(join: Join, headers: dict[str, str], code: int) -> None:
    assert join(headers=headers).code() == code


def test_a_token_ends_with_its_time(join: Join, person: str) -> None:
    client = join(headers=bearer(sub=person, exp=int(time.time()) - 28))  # clocks may differ by 30
    client.next()
    client.watch(f"user:{person}")
    assert client.code() == 4401


def test_the_eleventh_connection_of_a_person_ends_their_first(join: Join, person: str) -> None:
    clients = [join(person) for _ in range(11)]
    assert clients[0].code() == 4409
    for client in clients[1:]:
        client.next()
        client.send(ping=1)
        assert client.next() == {"type": "pong", "ping": 1}


def test_a_gateway_that_is_full_and_then_stopped(town: Town, join: Join, person: str) -> None:
    gateway = town.run(SAFEROUTE_LIVE_CONNECTIONS="2", SAFEROUTE_DRAIN_S="0.5")
    clients = [join(person, gateway=gateway) for _ in range(2)]
    with pytest.raises(InvalidStatus) as refusal:
        join(person, gateway=gateway)
    assert refusal.value.response.status_code == 503
    assert refusal.value.response.headers["retry-after"] == "1"
    ready = f"{gateway.admin}/ready"
    assert httpx.get(ready).json()["ready"]
    walk = town.walk()
    walker = clients[0]
    walker.next()
    gateway.process.terminate()
    eventually(lambda: httpx.get(ready).status_code == 503)
    with pytest.raises(InvalidStatus):
        join(walk.person, gateway=gateway)
    bye = json.loads(walker.connection.recv(10))
    assert bye["type"] == "bye"
    assert 0 <= bye["reconnect_after_ms"] <= 10_000
    assert [client.code() for client in clients] == [1012, 1012]
    assert gateway.process.wait(10) == 0
