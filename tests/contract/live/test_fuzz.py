"""Frames of every sort: they end at most the connection they came by, and show nobody's topic."""

import base64
import contextlib
import json
import os
import socket
import struct
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.contract.fuzzing import fuzz
from tests.contract.live.conftest import Client, Town, recent
from tests.contract.serving import Api, bearer
from tests.contract.test_ingest import Walk

CODES = {1000, 1002, 1003, 1007, 1009, 4400, 4429}
"""What may end a connection whose owner sends nonsense: docs/reference/live.md."""
NAMES = ("subscribe", "last_seq", "unsubscribe", "ack", "points", "id", "ping")
TOPICS = ("THEIR_INBOX", "THEIR_WALK", "MY_INBOX", "MY_WALK")
"""Stand for topics, which are not known when frames are made up."""

LEAVES = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    st.sampled_from([*TOPICS, "user:", "journey:x", ":", 2**63 - 1, 2**63, 2**64, -1, 1e308]),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["journey_id", "points", "recorded_at", "lon", "lat", "speed_mps"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=6,
)
FRAMES = st.one_of(
    st.dictionaries(st.sampled_from(NAMES), VALUES, min_size=1, max_size=3),
    st.fixed_dictionaries(
        {"subscribe": st.sampled_from(TOPICS)}, optional={"last_seq": st.none() | st.integers()}
    ),
    VALUES,
)
TEXTS = st.one_of(
    FRAMES.map(lambda frame: json.dumps(frame).encode()),
    st.binary(max_size=40),
    st.sampled_from([b"", b"{", b"[" * 5000, b'{"ping": "\\ud800"}', b"\xff", b"9" * 5000]),
)


@dataclass
class Scene:
    """Somebody is watched over by `victim`; somebody else has a token of their own."""

    town: Town
    gateway: Api
    victim: Client
    walk: Walk
    other: Walk
    position: int = 0

    @property
    def own(self) -> set[str]:
        """What the other one may watch."""
        return {f"user:{self.other.person}", f"journey:{self.other.journey_id}"}

    def named(self, text: bytes) -> bytes:
        """With the topics that stand-ins stand for."""
        names = (
            *(f"user:{self.walk.person}", f"journey:{self.walk.journey_id}"),
            *(f"user:{self.other.person}", f"journey:{self.other.journey_id}"),
        )
        for stand_in, name in zip(TOPICS, names, strict=True):
            text = text.replace(stand_in.encode(), name.encode())
        return text

    def tell(self) -> str:
        """Tell the victim a word nobody can guess, and of a new position; they get both, only."""
        word = uuid.uuid4().hex
        self.position += 1
        self.town.notify(self.walk.person, word)
        self.town.post(self.walk, recent(minutes=60, seconds=-self.position))
        alert, position = sorted((self.victim.next(), self.victim.next()), key=lambda m: m["type"])
        assert (alert["type"], alert["event"], alert["seq"]) == ("alert", word, self.position)
        assert position["type"] == "position"
        return word

    def is_well(self) -> bool:
        """Whether the gateway runs and has made no mistake."""
        return self.gateway.process.poll() is None and not [
            line for line in self.gateway.lines() if line["level"] in ("ERROR", "CRITICAL")
        ]


@pytest.fixture
def scene(town: Town, join: Callable[..., Client]) -> Scene:
    gateway, walk, other = town.gateways[0], town.walk(), town.walk()
    victim = join(walk.person, gateway=gateway)
    victim.next()
    victim.watch(f"user:{walk.person}")
    victim.watch(f"journey:{walk.journey_id}")
    return Scene(town, gateway, victim, walk, other)


@given(frames=st.lists(st.tuples(TEXTS, st.sampled_from([True, True, True, None])), max_size=6))
@fuzz(25)
def test_no_frame_shows_what_is_not_theirs(
    scene: Scene, frames: list[tuple[bytes, bool | None]]
) -> None:
    headers = bearer(sub=scene.other.person)
    got: list[dict[str, Any]] = []
    end = 1000
    with connect(
        f"{scene.gateway.url}/live", additional_headers=headers, compression=None
    ) as connection:
        try:
            for text, is_text in frames:
                connection.send(scene.named(text), text=is_text)
            word = scene.tell()
            connection.send('{"ping": "that is all"}')
            while not got or got[-1].get("ping") != "that is all":
                got.append(json.loads(connection.recv(10)))
        except ConnectionClosed as closed:
            end = closed.rcvd.code if closed.rcvd else 1006
            word = scene.tell()
    assert end in CODES
    for frame in got:
        is_theirs = frame["type"] in ("hello", "pong", "answer", "error")
        assert is_theirs or frame["topic"] in scene.own, frame
        assert word not in json.dumps(frame)
    assert scene.is_well()


def frame_of(head: int, length: int, mask: bytes | None, payload: bytes) -> bytes:
    """A frame as it may be on the wire, its parts true or not."""
    has_mask = 0x80 if mask is not None else 0
    if length < 126:
        size = struct.pack("!B", has_mask | length)
    elif length < 1 << 16:
        size = struct.pack("!BH", has_mask | 126, length)
    else:
        size = struct.pack("!BQ", has_mask | 127, length)
    masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload)) if mask else payload
    return bytes([head]) + size + (mask or b"") + masked


@st.composite
def wires(draw: st.DrawFn) -> bytes:
    """What comes by a connection: mostly frames."""
    parts = []
    for _ in range(draw(st.integers(1, 5))):
        payload = draw(TEXTS)
        head = draw(st.sampled_from([0x81, 0x81, 0x01, 0x80, 0x00, 0x82, 0x88, 0x89, 0x8A, 0xF1]))
        head = draw(st.just(head) | st.integers(0, 255))
        length = draw(st.just(len(payload)) | st.sampled_from([0, 125, 65_535, 65_536, 2**63 - 1]))
        mask = draw(st.sampled_from([b"mask", b"mask", None]))
        parts.append(draw(st.just(frame_of(head, length, mask, payload)) | st.binary(max_size=30)))
    return b"".join(parts)


@given(wire=wires())
@fuzz(25)
def test_no_bytes_show_what_is_not_theirs(scene: Scene, wire: bytes) -> None:
    address = urlsplit(scene.gateway.url)
    token = bearer(sub=scene.other.person)["Authorization"]
    key = base64.b64encode(os.urandom(16)).decode()
    got = b""
    with socket.create_connection((address.hostname, address.port), 10) as raw:
        raw.sendall(
            f"GET /live HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
            "".encode()
        )
        while b'"hello"' not in got:
            got += raw.recv(1 << 16)
        with contextlib.suppress(ConnectionError):
            raw.sendall(scene.named(wire))
        word = scene.tell()
        raw.settimeout(0.02)
        with contextlib.suppress(TimeoutError, ConnectionError):
            while more := raw.recv(1 << 16):
                got += more
    assert word.encode() not in got
    assert scene.is_well()
