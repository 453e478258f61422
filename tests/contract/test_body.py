"""Bodies that come packed."""

import gzip
import json
import socket
import zlib

import httpx
import psycopg
import pytest

from tests.contract.serving import Api
from tests.contract.test_rpc import assert_error

GZIP = {"Content-Encoding": "gzip"}
LIMIT = 2 * 1024 * 1024


def post(client: httpx.Client, body: bytes, **headers: str) -> httpx.Response:
    return client.post("/rpc/echo", content=body, headers={**GZIP, **headers})


@pytest.mark.parametrize("encoding", ["gzip", "GZip", "x-gzip"])
def test_a_packed_body_is_unpacked(client: httpx.Client, encoding: str) -> None:
    packed = gzip.compress(json.dumps({"words": "Zürich"}).encode())
    assert (
        client.post("/rpc/echo", content=packed, headers={"Content-Encoding": encoding}).json()
        == "Zürich"
    )


def test_5000_points_fit_packed_and_plain(client: httpx.Client) -> None:
    point = {"recorded_at": "2026-11-23T18:03:21.250Z", "lon": -8.61, "lat": 41.15}
    body = json.dumps({"points": [point] * 5000, "journey_id": None}).encode()
    for answer in (
        client.post("/rpc/record_points", content=body),
        client.post("/rpc/record_points", content=gzip.compress(body), headers=GZIP),
    ):
        assert_error(answer, 401, "42501")  # it was read whole


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no gzip",
        b'{"words":"x"}',
        gzip.compress(b'{"words":"x"}')[:-1],
        gzip.compress(b'{"words":"x"}')[:10],
        gzip.compress(b'{"words":"x"}') + b"more",
        gzip.compress(b'{"words":') + gzip.compress(b'"x"}'),
        gzip.compress(b'{"words":"x"}')[:-8] + bytes(8),
        zlib.compress(b'{"words":"x"}'),
        gzip.compress(gzip.compress(b"x") * 3)[:-2],
    ],
)
def test_what_cannot_be_unpacked_is_refused(client: httpx.Client, body: bytes) -> None:
    assert_error(post(client, body), 400, "SR031")


def test_a_bomb_is_refused_before_it_is_unpacked(client: httpx.Client) -> None:
    packer = zlib.compressobj(9, wbits=31)
    megabyte = bytes(1024 * 1024)
    bomb = b"".join(packer.compress(megabyte) for _ in range(1024)) + packer.flush()
    assert len(bomb) < LIMIT
    assert_error(post(client, bomb), 413, "SR030")


def test_the_limit_is_of_what_was_packed(client: httpx.Client) -> None:
    fits = b'{"words":"%s"}' % (b"x" * (LIMIT - 12))
    assert len(fits) == LIMIT
    assert len(post(client, gzip.compress(fits)).content) == LIMIT - 10
    assert_error(post(client, gzip.compress(fits + b" ")), 413, "SR030")


def test_unpacked_rubbish_is_no_json(client: httpx.Client) -> None:
    assert_error(post(client, gzip.compress(b"\xff{")), 400, "PGRST102")


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "chunked"])
def test_other_encodings_are_refused(client: httpx.Client, encoding: str) -> None:
    response = post(client, gzip.compress(b'{"words":"x"}'), **{"Content-Encoding": encoding})
    assert_error(response, 415, "SR032")
    assert response.headers["accept-encoding"] == "gzip"


def test_half_a_body_is_not_run(api: Api, database: psycopg.Connection) -> None:
    """All arguments of the function have defaults: none at all would be a call as well."""
    before = database.execute("select last_value, is_called from api.calls").fetchone()
    url = httpx.URL(api.url)
    for part in (b"", b"{}"):
        with socket.create_connection((url.host, url.port), timeout=20) as client:
            client.sendall(
                b"POST /rpc/count_call HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n" + part
            )
            client.shutdown(socket.SHUT_WR)
            assert client.recv(100) == b""
    assert httpx.get(f"{api.url}/rpc/nothing").status_code == 200  # after them
    assert database.execute("select last_value, is_called from api.calls").fetchone() == before
