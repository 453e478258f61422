"""The API and the live gateway by TLS: only who shows a certificate of the authority is served."""

import contextlib
import json
import signal
import socket
import ssl
import uuid
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from websockets.sync.client import connect

from tests.contract.fronts import answers, read_all
from tests.contract.serving import Api, bearer
from tests.contract.test_slow_clients import eventually
from tests.contract.tls.conftest import Town

WAITING = "select 1 from pg_stat_activity where wait_event = 'PgSleep'"


def port(api: Api) -> int:
    return int(api.url.rpartition(":")[2])


@pytest.fixture(scope="module")
def live(town: Town) -> Iterator[Api]:
    with town.serve("api.live") as served:
        yield served


def test_nginx_is_served(client: httpx.Client, api: Api) -> None:
    for _ in range(3):
        answer = client.post(api.rpc("echo"), json={"words": "hello"})
        assert (answer.status_code, answer.json()) == (200, "hello")


@pytest.mark.parametrize("shown", [None, "unable to get local issuer certificate"])
def test_strangers_are_not_served(town: Town, api: Api, live: Api, shown: str | None) -> None:
    strange = town.context(town.bad[shown] if shown else None)
    for served in (api, live):
        received = b""
        with (
            contextlib.suppress(ssl.SSLError, ConnectionError),
            socket.create_connection(("127.0.0.1", port(served)), timeout=20) as plain,
            strange.wrap_socket(plain, server_hostname="127.0.0.1") as client,
        ):
            client.sendall(b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n")
            received = client.recv(1)  # with TLS 1.3 a client learns it only now
        assert received == b""
    assert "Traceback" not in api.log.read_text() + live.log.read_text()


@pytest.mark.parametrize("served", ["api", "live"])
def test_nobody_is_served_in_plain(request: pytest.FixtureRequest, served: str) -> None:
    found = port(request.getfixturevalue(served))
    with socket.create_connection(("127.0.0.1", found), timeout=20) as client:
        client.sendall(b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"HTTP" not in read_all(client)


def test_old_tls_is_refused(town: Town, api: Api) -> None:
    old = town.context(town.good)
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(("127.0.0.1", port(api))) as plain,
        pytest.raises(ssl.SSLError),
    ):
        old.wrap_socket(plain, server_hostname="127.0.0.1")


def test_a_refused_request_is_told_why(town: Town, api: Api) -> None:
    with (
        socket.create_connection(("127.0.0.1", port(api)), timeout=20) as plain,
        town.context(town.good).wrap_socket(plain, server_hostname="127.0.0.1") as client,
    ):
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Large: " + b"x" * 20_000 + b"\r\n\r\n")
        received = b""
        while chunk := client.recv(65536):
            received += chunk
    (answer,) = answers(received)
    assert answer.status == 431
    assert "Traceback" not in api.log.read_text()


def test_a_process_that_ends_answers_what_it_has_accepted(town: Town, client: httpx.Client) -> None:
    with town.serve() as api, ThreadPoolExecutor() as threads:
        call = threads.submit(client.get, api.rpc("wait"), params={"seconds": 1})
        eventually(lambda: town.database.execute(WAITING).fetchone() is not None)
        api.process.send_signal(signal.SIGTERM)
        assert call.result().status_code == 204
        api.process.wait(10)
        assert "Traceback" not in api.log.read_text()


def test_watchers_are_told(town: Town, live: Api) -> None:
    person = str(uuid.uuid4())
    with connect(
        f"{live.url}/live",
        ssl=town.context(town.good),
        additional_headers=bearer(sub=person),
    ) as client:
        assert json.loads(client.recv(10))["type"] == "hello"
        client.send(json.dumps({"subscribe": f"user:{person}"}))
        assert json.loads(client.recv(10))["type"] == "subscribed"
