"""Clients that send too much, too slowly or nothing, and clients that read nothing."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from api import connection
from tests.contract.fronts import Fronted, answers, fronted, read_all

GET = b"GET /first HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /first HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"


@pytest.fixture(scope="module")
def front() -> Iterator[Fronted]:
    """A server whose patience is a fraction of a second."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HEAD_S", "BODY_S", "WRITE_S", "KEEP_ALIVE_S", "LINGER_S"):
            patch.setattr(connection, name, 0.5)
        patch.setattr(connection, "RATE", 1e9)
        with fronted(limit=20) as running:
            yield running


@pytest.fixture(autouse=True)
def forget(front: Fronted) -> None:
    front.recorder.seen.clear()
    eventually(lambda: not front.traffic.connections)


def eventually(holds: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def trickle(client: socket.socket, piece: bytes) -> bytes:
    """Send the piece again and again until there is an answer; the answer."""
    client.settimeout(0.02)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with contextlib.suppress(ConnectionError):  # it is refused, and the answer still there
            client.sendall(piece)
        with contextlib.suppress(TimeoutError):
            return client.recv(65536) + read_all(client)
    raise AssertionError("nobody minds")


def test_a_connection_that_says_nothing_is_closed(front: Fronted) -> None:
    with front.connect() as client:
        assert client.recv(1) == b""


def test_a_connection_that_goes_quiet_is_closed(front: Fronted) -> None:
    with front.connect() as client:
        client.sendall(GET + b"\r\n")
        (answer,) = answers(read_all(client))
        assert (answer.status, "connection" in answer.headers) == (200, False)


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (b"GET /", b"x"),
        (GET + b"X-Long: ", b"x"),
        (GET, b"A: b\r\n"),
        (POST, b"x"),
        (POST.replace(b"Content-Length: 1000", b"Transfer-Encoding: chunked"), b"1\r\nx\r\n"),
    ],
    ids=["address", "header", "headers", "body", "chunks"],
)
def test_a_request_that_takes_too_long_is_refused(
    front: Fronted, begin: bytes, piece: bytes
) -> None:
    with front.connect() as client:
        client.sendall(begin)
        (answer,) = answers(trickle(client, piece))
    assert (answer.status, answer.code) == (408, "SR035")
    assert answer.headers["connection"] == "close"
    assert front.recorder.seen == []


def test_others_are_served_meanwhile(front: Fronted) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(10):
            client = stack.enter_context(front.connect())
            client.sendall(GET)
        (answer,) = front.exchange(GET + b"\r\n")
        assert answer.status == 200


def test_a_client_that_reads_nothing_is_cut_off(front: Fronted) -> None:
    with front.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        eventually(lambda: front.recorder.seen != [])
        eventually(lambda: not front.traffic.connections)


def test_a_body_that_nobody_wants_is_not_read_forever(front: Fronted) -> None:
    early = b"POST /early HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with front.connect() as client:
        client.sendall(early)
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
        trickle(client, b"1\r\nx\r\n")


@pytest.mark.parametrize(
    ("head", "code"),
    [
        (b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % (b"x" * 8191), None),
        (b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % (b"x" * 8192), "SR037"),
        (b"GET /?%s HTTP/1.1\r\nHost: x\r\n\r\n" % (b"x" * 100_000), "SR037"),
        (GET + b"A: b\r\n" * 63 + b"\r\n", None),
        (GET + b"A: b\r\n" * 64 + b"\r\n", "SR034"),
        (GET + b"A: b\r\n" * 100_000 + b"\r\n", "SR034"),
        (GET + b"A: %s\r\n\r\n" % (b"x" * (16 * 1024 - 6)), None),
        (GET + b"A: %s\r\n\r\n" % (b"x" * (16 * 1024 - 5)), "SR034"),
        (GET + b"%s: b\r\n\r\n" % (b"x" * 16 * 1024), "SR034"),
        (GET + b"A: %s" % (b"x" * 1_000_000), "SR034"),
        (GET + b"x" * 1_000_000, "SR034"),
    ],
    ids=[
        *("address", "long address", "long query", "headers", "a header more", "many headers"),
        *("header", "a byte more", "long name", "endless header", "endless name"),
    ],
)
def test_size_of_the_head(front: Fronted, head: bytes, code: str | None) -> None:
    """A refused client that still sends gets its answer, and no reset before it."""
    (answer,) = front.exchange(head)
    assert answer.status == {None: 200, "SR034": 431, "SR037": 414}[code]
    assert code is None or answer.code == code
    assert len(front.recorder.seen) == (code is None)


def test_a_head_in_two_packets_counts_as_a_whole(front: Fronted) -> None:
    head = GET + b"A: %s\r\n\r\n" % (b"x" * 20_000)
    with front.connect() as client:
        client.sendall(head[:16_000])
        eventually(lambda: any(found._in_head for found in front.traffic.connections))
        client.sendall(head[16_000:])
        (answer,) = answers(read_all(client))
    assert answer.code == "SR034"


def test_a_second_request_has_a_head_of_its_own(front: Fronted) -> None:
    """What came before it does not count."""
    body = b"x" * 100_000
    post = b"POST /first HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + body
    half = GET + b"A: %s\r\n\r\n" % (b"x" * 10_000)
    found = front.exchange(post + half, post + half[:5000], half[5000:])
    assert [answer.status for answer in found] == [200] * 4


def test_too_many_connections() -> None:
    with fronted(limit=2) as front, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(front.connect()) for _ in range(2)]
        eventually(lambda: len(front.traffic.connections) == 2)
        (answer,) = front.exchange(GET + b"\r\n")
        assert (answer.status, answer.code) == (503, "PGRST003")
        assert answer.headers["retry-after"] == "1"
        assert front.recorder.seen == []
        clients[0].close()
        eventually(lambda: len(front.traffic.connections) == 1)
        (answer,) = front.exchange(GET + b"\r\n")
        assert answer.status == 200
