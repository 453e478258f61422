"""Requests that two servers in a row might cut in two ways: refused, and what hides never runs."""

from collections.abc import Iterator

import pytest

from tests.contract.fronts import Fronted, answers, fronted, read_all

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /first HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def front() -> Iterator[Fronted]:
    with fronted() as running:
        yield running


@pytest.fixture(autouse=True)
def forget(front: Fronted) -> None:
    front.recorder.seen.clear()
    front.recorder.headers.clear()


AMBIGUOUS = {
    "content-length twice": POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "two lengths": POST + b"Content-Length: 3\r\nContent-Length: 40\r\n\r\nabc",
    "list of lengths": POST + b"Content-Length: 3, 3\r\n\r\nabc",
    "length and encoding": POST
    + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "encoding and length": POST
    + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    "xchunked": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked, identity": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "identity, chunked": POST + b"Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
    "gzip, chunked": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "identity": POST + b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "encoding twice": POST
    + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "identity then chunked": POST
    + b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "encoding after a control": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "encoding folded": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "encoding in HTTP/1.0": b"POST /first HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "folded header": POST + b"X: a\r\n b\r\nContent-Length: 3\r\n\r\nabc",
    "bare LF": b"GET /first HTTP/1.1\nHost: x\n\n",
    "bare LF after a header": b"GET /first HTTP/1.1\r\nHost: x\nX: y\r\n\r\n",
    "bare CR in a header": b"GET /first HTTP/1.1\r\nHost: x\rX: y\r\n\r\n",
    "space before the colon": POST + b"Content-Length : 3\r\n\r\nabc",
    "space before the name": b"GET /first HTTP/1.1\r\n Host: x\r\n\r\n",
    "header without a colon": b"GET /first HTTP/1.1\r\nHost: x\r\nHidden\r\n\r\n",
    "header without a name": b"GET /first HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n",
    "length +3": POST + b"Content-Length: +3\r\n\r\nabc",
    "length -3": POST + b"Content-Length: -3\r\n\r\nabc",
    "length 0x3": POST + b"Content-Length: 0x3\r\n\r\nabc",
    "length 3 3": POST + b"Content-Length: 3 3\r\n\r\nabc",
    "no length": POST + b"Content-Length: \r\n\r\nabc",
    "length over 64 bits": POST + b"Content-Length: 99999999999999999999999\r\n\r\nabc",
    "chunk over 64 bits": CHUNKED + b"FFFFFFFFFFFFFFFFF\r\nabc\r\n0\r\n\r\n",
    "chunk -1": CHUNKED + b"-1\r\nabc\r\n0\r\n\r\n",
    "chunk 0x3": CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n",
    "chunk with a space": CHUNKED + b"3 \r\nabc\r\n0\r\n\r\n",
    "chunk with bare LF": CHUNKED + b"3\nabc\n0\n\n",
    "chunk extension with bare LF": CHUNKED + b"3;a\nabc\r\n0\r\n\r\n",
    "chunk longer than it says": CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n",
    "chunk without an end": CHUNKED + b"3\r\nabc0\r\n\r\n",
    "chunk without a size": CHUNKED + b"\r\nabc\r\n0\r\n\r\n",
    "NUL in a header": b"GET /first HTTP/1.1\r\nHost: x\x00y\r\n\r\n",
    "NUL in a name": b"GET /first HTTP/1.1\r\nHost: x\r\nA\x00B: y\r\n\r\n",
    "NUL in the address": b"GET /first\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    "no host": b"GET /first HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /first HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "two tokens": b"GET /first HTTP/1.1\r\nHost: x\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n",
    "two keys": b"GET /first HTTP/1.1\r\nHost: x\r\nX-API-Key: a\r\nX-API-Key: b\r\n\r\n",
    "HTTP/0.9": b"GET /first\r\n\r\n",
    "HTTP/0.9 by name": b"GET /first HTTP/0.9\r\nHost: x\r\n\r\n",
    "HTTP/1.2": b"GET /first HTTP/1.2\r\nHost: x\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/2.0 by name": b"GET /first HTTP/2.0\r\nHost: x\r\n\r\n",
    "CONNECT": b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n",
    "host without a path": b"GET http://x HTTP/1.1\r\nHost: x\r\n\r\n",
    "long method": b"A" * 100_000 + b" /first HTTP/1.1\r\nHost: x\r\n\r\n",
    "unknown method": b"BREW /first HTTP/1.1\r\nHost: x\r\n\r\n",
    "tabs": b"GET\t/first\tHTTP/1.1\r\nHost: x\r\n\r\n",
    "upgrade with a body": POST
    + b"Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: %d\r\n\r\n" % len(HIDDEN),
}


@pytest.mark.parametrize("request_", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_an_ambiguous_request_is_refused(front: Fronted, request_: bytes) -> None:
    (answer,) = front.exchange(request_ + HIDDEN)
    assert (answer.status, answer.code) == (400, "SR036")
    assert answer.headers["connection"] == "close"
    assert not any(path == "/hidden" for _, path, _ in front.recorder.seen)


@pytest.mark.parametrize("request_", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_so_it_is_byte_by_byte(front: Fronted, request_: bytes) -> None:
    if len(request_) > 1000:
        pytest.skip("too long to be sent in single bytes")
    whole = request_ + HIDDEN
    (answer,) = front.exchange(*(whole[i : i + 1] for i in range(len(whole))))
    assert (answer.status, answer.code) == (400, "SR036")
    assert not any(path == "/hidden" for _, path, _ in front.recorder.seen)


def test_what_is_refused_in_the_body_never_runs(front: Fronted) -> None:
    front.exchange(AMBIGUOUS["chunk without an end"])
    front.exchange(POST + b"Content-Length: 10\r\n\r\nabc")
    assert front.recorder.seen == []


def test_a_body_is_no_request(front: Fronted) -> None:
    (answer,) = front.exchange(POST + b"Content-Length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN)
    assert answer.status == 200
    assert front.recorder.seen == [("POST", "/first", HIDDEN)]


def test_what_follows_an_upgrade_is_no_request(front: Fronted) -> None:
    asked = b"GET /first HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    for parts in ((asked + HIDDEN,), (asked, HIDDEN)):
        front.recorder.seen.clear()
        (answer,) = front.exchange(*parts)
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert front.recorder.seen == [("GET", "/first", b"")]


def test_what_follows_the_last_request_is_none(front: Fronted) -> None:
    last = b"GET /first HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert len(front.exchange(last + HIDDEN)) == 1
    assert len(front.exchange(b"GET /first HTTP/1.0\r\n\r\n" + HIDDEN)) == 1
    assert not any(path == "/hidden" for _, path, _ in front.recorder.seen)


def test_a_trailer_is_no_header(front: Fronted) -> None:
    trailed = CHUNKED + b"3\r\nabc\r\n0\r\nAuthorization: Bearer x\r\nX-More: y\r\n\r\n"
    (answer,) = front.exchange(trailed)
    assert answer.status == 200
    assert front.recorder.headers == [{b"host": b"x", b"transfer-encoding": b"chunked"}]


def test_chunk_extensions_are_passed_over(front: Fronted) -> None:
    (answer,) = front.exchange(CHUNKED + b"3;a=b;c\r\nabc\r\n0\r\n\r\n")
    assert answer.status == 200
    assert front.recorder.seen == [("POST", "/first", b"abc")]


def test_the_address_may_be_absolute(front: Fronted) -> None:
    (answer,) = front.exchange(b"GET http://elsewhere/first?a=b HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.status == 200
    assert front.recorder.seen == [("GET", "/first", b"")]


def test_pipelined_requests_are_answered_in_order(front: Fronted) -> None:
    front.recorder.released.set()
    one = b"POST /%d HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n%d"
    whole = b"".join(one % (number, number) for number in range(10))
    for parts in ((whole,), tuple(whole[i : i + 7] for i in range(0, len(whole), 7))):
        front.recorder.seen.clear()
        found = front.exchange(*parts)
        assert [answer.body for answer in found] == [b"%d" % n for n in range(1, 11)]
        assert front.recorder.seen == [("POST", f"/{n}", b"%d" % n) for n in range(10)]


@pytest.mark.parametrize(
    "end", [b"junk\r\n\r\n", AMBIGUOUS["two lengths"]], ids=["junk", "lengths"]
)
def test_requests_before_a_malformed_one_are_answered_first(front: Fronted, end: bytes) -> None:
    slow = b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"
    front.recorder.started.clear()
    front.recorder.released.clear()
    with front.connect() as client:
        client.sendall(slow + slow + end + HIDDEN)
        assert front.recorder.started.wait(10)
        front.recorder.released.set()
        found = answers(read_all(client))
    assert [answer.status for answer in found] == [200, 200, 400]
    assert len(front.recorder.seen) == 2


def test_the_client_may_wait_to_be_told_to_continue(front: Fronted) -> None:
    with front.connect() as client:
        client.sendall(POST + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"abc")
        assert client.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")


def test_http_1_0_closes(front: Fronted) -> None:
    asked = b"GET /first HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    (answer,) = front.exchange(asked)
    assert (answer.status, answer.headers["connection"]) == (200, "close")
