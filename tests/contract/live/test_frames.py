"""What clients may send, and how slowly they may read: whoever breaks it is cut, nobody else."""

import contextlib
import json
import socket
from collections.abc import Callable
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from api.publications import channel
from tests.contract.live.conftest import Client, Town
from tests.redis_cluster import TestCluster

Join = Callable[..., Client]


@pytest.fixture
def client(join: Join, person: str) -> Client:
    joined = join(person)
    joined.next()
    return joined


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{", 4400),
        ("[]", 4400),
        ('{"unknown": 1}', 4400),
        ('{"subscribe": 1}', 4400),
        ('{"points": []}', 4400),
        (b"\x00", 1003),
        ("x" * 1024 * 1024, 1009),
    ],
)
def test_what_is_none_of_the_frames(client: Client, message: Any, code: int) -> None:
    with contextlib.suppress(ConnectionClosed):
        client.connection.send(message)
    assert client.code() == code


def test_text_that_is_not_utf_8(client: Client) -> None:
    with client.connection.send_context():
        client.connection.protocol.send_text(b'{"ping": "\xff"}')
    assert client.code() == 1007


def test_a_frame_in_parts(client: Client) -> None:
    client.connection.send(iter(['{"pi', 'ng"', ": 1}"]))
    assert client.next() == {"type": "pong", "ping": 1}
    with contextlib.suppress(ConnectionClosed):
        client.connection.send(iter(["x" * 40_000, "y" * 40_000]))
    assert client.code() == 1009


def test_a_burst(client: Client, join: Join, person: str) -> None:
    other = join(person)
    other.next()
    with contextlib.suppress(ConnectionClosed):
        for number in range(10_000):
            client.send(ping=number)
    assert client.code() == 4429
    other.send(ping=1)
    assert other.next() == {"type": "pong", "ping": 1}


def test_a_slow_client_is_cut_and_nobody_waits_for_it(
    town: Town, join: Join, redis_cluster: TestCluster
) -> None:
    walk = town.walk()
    topic = f"journey:{walk.journey_id}"
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    host, port = town.gateways[0].url.removeprefix("ws://").split(":")
    narrow.connect((host, int(port)))
    slow = join(walk.person, sock=narrow, max_queue=1)
    quick = join(walk.person)
    for client in (slow, quick):
        client.next()
        client.watch(topic)
    on = channel(topic)
    with redis_cluster.master_of(on).connect(redis_cluster.password) as redis:
        for seq in range(1, 201):
            message = {"type": "position", "topic": topic, "seq": seq, "x": "x" * 10_000}
            redis.execute_command("SPUBLISH", on, json.dumps(message))
            assert quick.next()["seq"] == seq
    received = 0
    with contextlib.suppress(ConnectionClosed):
        while True:
            slow.next()
            received += 1
    assert 0 < received < 100
    quick.send(ping=1)
    assert quick.next() == {"type": "pong", "ping": 1}


def test_at_most_twenty_topics(client: Client, town: Town, person: str) -> None:
    topics = [f"user:{person}"]
    client.watch(topics[0])
    town.database.execute(
        "insert into core.journeys (journey_id, user_id, cell, started_at, origin)"
        " select gen_random_uuid(), %s, st_geohash(p, 5), now(), p"
        " from st_point(-77.03, 38.9, 4326) as p, generate_series(1, 20)",
        [person],
    )
    rows = town.database.execute(
        "select journey_id from core.journeys where user_id = %s", [person]
    )
    journeys = [f"journey:{row[0]}" for row in rows]
    for name in journeys[:19]:
        client.watch(name)
    client.send(subscribe=journeys[19])
    assert client.next()["code"] == "SR097"
