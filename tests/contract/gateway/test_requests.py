"""What a client may send, what the API is told of it, and what the access log keeps."""

import json
import socket
from uuid import uuid4

import httpx
import psycopg
import pytest

from tests.contract.fronts import Answer, answers, read_all
from tests.nginx import Front

SMUGGLED = b"GET /rpc/count_call HTTP/1.1\r\nHost: x\r\n\r\n"


def exchange(front: Front, sent: bytes) -> list[Answer]:
    with socket.create_connection(("127.0.0.1", front.gateway.port), timeout=20) as connected:
        connected.sendall(sent)
        connected.shutdown(socket.SHUT_WR)
        return answers(read_all(connected))


def statuses_of(database: psycopg.Connection) -> dict[str, tuple[int, str, str | None]]:
    rows = database.execute("select code, http_status, message, hint from core.error_codes")
    return {code: (status, message, hint) for code, status, message, hint in rows}


BREAKING = {
    "SR030": b"POST /rpc/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2097153\r\n\r\n",
    "SR034": b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
    "SR037": b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "SR036": b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
}


@pytest.mark.parametrize("code", BREAKING)
def test_what_is_too_large_or_no_http_is_answered_as_the_api_would(
    front: Front, database: psycopg.Connection, code: str
) -> None:
    [answer] = exchange(front, BREAKING[code])
    status, message, hint = statuses_of(database)[code]
    assert (answer.status, answer.code) == (status, code)
    assert json.loads(answer.body)["message"] == message
    assert json.loads(answer.body)["hint"] == hint
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("request_line", "code"),
    [(b"TRACE / HTTP/1.1", "PGRST101"), (b"GET /.gateway/all HTTP/1.1", "PGRST125")],
)
def test_other_methods_and_the_gateways_own_places(front: Front, request_line, code) -> None:
    [answer] = exchange(front, request_line + b"\r\nHost: x\r\n\r\n")
    assert answer.code == code


def test_a_body_of_exactly_the_limit_passes(caller: httpx.Client) -> None:
    body = b'{"words": "' + b"x" * (2 * 1024 * 1024 - 13) + b'"}'
    assert len(body) == 2 * 1024 * 1024
    headers = {"Content-Type": "application/json"}
    assert caller.post("/rpc/echo", content=body, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 3\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked\r\nContent-Length: 3",
        b"Content-Length: 3\r\nContent-Length: 40",
        b"Transfer-Encoding: xchunked",
        b"Transfer-Encoding: chunked, identity",
        b"Transfer-Encoding : chunked",
        b"Content-Length: +3",
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(
    front: Front, database: psycopg.Connection, framing: bytes
) -> None:
    """Whatever follows on the connection is no request of its own."""
    count = "select last_value from api.calls"
    before = database.execute(count).fetchone()
    hidden = SMUGGLED.replace(b"GET", b"POST")
    found = exchange(
        front, b"POST /rpc/echo HTTP/1.1\r\nHost: x\r\n" + framing + b"\r\n\r\n0\r\n\r\n" + hidden
    )
    assert [answer.status for answer in found] == [400]
    assert database.execute(count).fetchone() == before


def test_a_request_keeps_its_names(caller: httpx.Client, front: Front) -> None:
    parent = f"00-{uuid4().hex}-00f067aa0ba902b7-01"
    known = caller.get("/rpc/where_read", headers={"X-Request-Id": "walk-7", "traceparent": parent})
    assert known.headers["x-request-id"] == "walk-7"
    assert known.json()["headers"]["traceparent"] == parent
    traced = caller.get("/rpc/where_read", headers={"traceparent": parent})
    assert traced.headers["x-request-id"] == parent.split("-")[1]
    new = caller.get("/rpc/where_read", headers={"X-Request-Id": '"; drop'})
    assert front.logged(new.headers["x-request-id"])["path"] == "/rpc/where_read"
    refused = caller.get("/.gateway/all", headers={"X-Request-Id": "walk-8"})
    assert refused.headers["x-request-id"] == "walk-8"


def test_the_api_is_told_who_called_and_by_whom_it_is_not(caller: httpx.Client) -> None:
    lies = {"X-Forwarded-For": "192.0.2.1", "Forwarded": "for=192.0.2.1", "X-Forwarded-Proto": "s"}
    told = caller.get("/rpc/where_read", headers=lies).json()["headers"]
    assert told["x-forwarded-for"] == "127.0.0.1"
    assert told["x-forwarded-proto"] == "http"
    assert "forwarded" not in told
    assert told["host"] == f"127.0.0.1:{caller.base_url.port}"


def test_the_log_holds_no_positions_tokens_or_addresses(caller: httpx.Client, front: Front) -> None:
    secrets = {
        "X-API-Key": "sr_" + "secret" * 8,
        "X-Request-Id": "logged-1",
        "User-Agent": "secret",
        "Referer": "http://secret/",
        "Cookie": "secret=1",
    }
    caller.get("/rpc/crimes_near?lon=7.4216&lat=43.7384", headers=secrets)
    caller.get("/rpc/+447700900123", headers={"X-Request-Id": "logged-2"})
    caller.get("/rpc/echo?words=43.7384", headers={"Authorization": "Bearer secret"})
    line = front.logged("logged-1")
    assert (line["method"], line["path"], line["status"]) == ("GET", "/rpc/crimes_near", 401)
    assert line["network"] == "127.0.0.0/24"
    assert float(line["process_seconds"]) <= line["seconds"] + 0.01
    assert front.logged("logged-2")["path"] == ""
    kept = front.gateway.access_log.read_text() + front.errors()
    for word in ("43.7", "7.42", "secret", "7700900", "127.0.0.1 "):
        assert word not in kept, word


def test_large_answers_are_packed_and_tokens_are_not(caller: httpx.Client) -> None:
    large = caller.get("/rpc/echo", params={"words": "street ", "times": 1000})
    assert large.headers["content-encoding"] == "gzip"
    assert large.json() == "street " * 1000
    assert "content-encoding" not in caller.get("/.well-known/jwks.json").headers
    assert caller.get("/").headers["server"] == "nginx"
