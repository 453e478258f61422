"""Requests with bytes in the wrong place: an answer below 500, or the end of the connection."""

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contract.fronts import Fronted, answers, fronted, read_all
from tests.contract.fuzzing import fuzz
from tests.contract.serving import Api

REQUEST = (
    b"POST /rpc/my_journeys HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b'Content-Length: 13\r\n\r\n{"limit": 10}'
)
PIECES = st.sampled_from(
    [
        *(
            b"\r\n",
            b"\n",
            b"\r",
            b"\0",
            b" ",
            b"\t",
            b":",
            b"\xff",
            b"\x80",
            b"%00",
            b"%",
            b"?",
            b"//",
        ),
        *(b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n"),
        *(b"Content-Encoding: gzip\r\n", b"Content-Encoding: br\r\n", b"Expect: 100-continue\r\n"),
        *(b"Upgrade: h2c\r\nConnection: upgrade\r\n", b"Authorization: Bearer \xff\r\n"),
        *(b"X-API-Key: \x80\r\n", b"X-Consistency-Token: \xff\r\n", b"Idempotency-Key: \xe9\r\n"),
        *(b"traceparent: 00-\xff\r\n", b"X-Request-Id: \xe9'--\r\n", b"X-Forwarded-For: x\r\n"),
        *(
            b"Accept-Profile: \xff\r\n",
            b"Prefer: x\r\n",
            b"5;a=b\r\nhello\r\n0\r\n\r\n",
            b"Host: y\r\n",
        ),
        *(
            b"GET ",
            b"PUT ",
            b"OPTIONS ",
            b"HTTP/1.0",
            b"HTTP/2.0",
            b"{",
            b"]",
            b'"',
            b"../",
            b"x" * 9000,
        ),
    ]
)


@st.composite
def mangled(draw: Any) -> bytes:
    """A request in which some bytes are others, gone, or there twice."""
    request = REQUEST
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(request)))
        gone = draw(st.integers(0, 3))
        request = request[:at] + draw(PIECES | st.binary(max_size=3)) + request[at + gone :]
    return request


def exchange(port: int, request: bytes) -> bytes:
    """What comes back, up to the end of the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        with contextlib.suppress(ConnectionError):
            client.sendall(request)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_WR)
        return read_all(client)


@fuzz(300)
@given(request=mangled())
def test_mangled_requests(api: Api, request: bytes) -> None:
    port = httpx.URL(api.url).port
    assert port is not None
    for answer in answers(exchange(port, request)):
        assert answer.status < 500, (request, answer)
        if answer.status >= 400 and answer.body:
            assert answer.code


@pytest.fixture(scope="module")
def front() -> Iterator[Fronted]:
    with fronted() as running:
        yield running


@fuzz(300)
@given(st.lists(mangled() | st.just(REQUEST) | st.binary(max_size=50), min_size=1, max_size=4))
def test_mangled_pipelines(front: Fronted, requests: list[bytes]) -> None:
    """What is refused ends the connection: no more answers follow, and the server goes on."""
    found = answers(exchange(front.port, b"".join(requests)))
    refused = [number for number, answer in enumerate(found) if answer.status != 200]
    assert refused in ([], [len(found) - 1])
    assert [answer.status for answer in front.exchange(REQUEST)] == [200]
