"""Many watchers who only count: `python -m bench.ha.crowd` reads what to open as one line of JSON,
prints `ready`, and answers each `report` with the positions that came since the last one.

It looks at its connections every 50 ms, so that several messages are one read: with a read for
each of them (picows: 11 µs a message) a core of it is full before two gateways (15 µs) are.
"""

import json
import os
import resource
import select
import socket
import sys
import time
from base64 import b64encode

_EVERY_S = 0.05
_PING, _PONG, _CLOSE = 0x89, 0x8A, 0x88
_MASK = bytes(4)
"""A client's frames are masked; by zeros they stay as they are."""
_POSITION = b'"type":"position"'


class Watcher:
    """A connection that has subscribed to a topic."""

    def __init__(self, port: int, token: str, topic: str, source: str) -> None:
        self.socket = socket.create_connection(
            ("127.0.0.1", port), timeout=30, source_address=(source, 0)
        )
        key = b64encode(os.urandom(16)).decode()
        head = (
            f"GET /live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\n"
            f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
            f"Authorization: Bearer {token}\r\n\r\n"
        )
        self.socket.sendall(head.encode())
        answer, self._rest = b"", b""
        while b"\r\n\r\n" not in answer:
            answer += self._received()
        answer, _, self._rest = answer.partition(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 101"), answer
        self._send(0x81, json.dumps({"subscribe": topic}).encode())
        while not any(b'"subscribed"' in frame for frame in self._frames()):
            self._rest += self._received()
        self.socket.setblocking(False)

    def positions(self) -> int:
        """How many have come; called when there is something to read."""
        self._rest += self._received()
        return sum(_POSITION in frame for frame in self._frames())

    def _received(self) -> bytes:
        found = self.socket.recv(1 << 18)
        assert found, "the gateway has ended a connection"
        return found

    def _frames(self) -> list[bytes]:
        """What is whole of what has come."""
        data, at, found = self._rest, 0, []
        while len(data) >= at + 4:
            size, begin = data[at + 1], at + 2
            if size == 126:
                size, begin = int.from_bytes(data[at + 2 : at + 4]), at + 4
            if len(data) < begin + size:
                break
            frame = data[begin : begin + size]
            if data[at] == _PING:
                self._send(_PONG, frame)
            assert data[at] != _CLOSE, frame
            found.append(frame)
            at = begin + size
        self._rest = data[at:]
        return found

    def _send(self, opcode: int, payload: bytes) -> None:
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2)
        self.socket.sendall(bytes([opcode]) + length + _MASK + payload)


def main() -> None:
    """Open all, then do as told."""
    order = json.loads(sys.stdin.readline())
    ready = select.epoll()
    ready.register(sys.stdin, select.EPOLLIN)
    watchers = {}
    for each in order["watchers"]:
        watcher = Watcher(each["port"], each["token"], each["topic"], order["source"])
        watchers[watcher.socket.fileno()] = watcher
        ready.register(watcher.socket, select.EPOLLIN)
    print("ready", flush=True)
    count = 0
    while True:
        time.sleep(_EVERY_S)
        for source, _ in ready.poll(maxevents=len(watchers) + 1):
            if source in watchers:
                count += watchers[source].positions()
            elif sys.stdin.readline():
                print(count, flush=True)
                count = 0
            else:
                return


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    main()
