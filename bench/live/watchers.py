"""Many watchers in one process: `python -m bench.live.watchers` reads what to open as one line of
JSON, prints `ready`, and answers `report` with how many messages came since the last report and how
long each took from when it was published (its `seq`).

picows on the client's side too, so that the load does not hold up what is measured.
"""

import asyncio
import json
import resource
import sys
import time
from array import array
from dataclasses import dataclass
from typing import Any

import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

_AT_ONCE = 64  # handshakes in flight
_POSITION = b'{"type":"position"'
_SEQ = b'"seq":'


@dataclass
class Arrived:
    """What all connections of this process have got."""

    delays: "array[int]"
    """Microseconds."""
    closed: int = 0


class Watcher(WSListener):  # type: ignore[misc]
    """A connection to our gateway."""

    def __init__(self, topic: str, arrived: Arrived) -> None:
        self._topic = topic
        self._arrived = arrived
        self._end = "no reason given"
        self.ready = asyncio.get_running_loop().create_future()

    def on_ws_connected(self, transport: WSTransport) -> None:
        transport.send(WSMsgType.TEXT, json.dumps({"subscribe": self._topic}).encode())

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is not WSMsgType.TEXT:
            self._note_end(transport, frame)
            return
        payload = frame.get_payload_as_bytes()
        if payload.startswith(_POSITION):
            self._note(payload)
        elif b'"subscribed"' in payload and not self.ready.done():
            self.ready.set_result(None)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._arrived.closed += 1
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(f"ended before it watched: {self._end}"))

    def _note_end(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is WSMsgType.CLOSE:
            self._end = f"{frame.get_close_code()} {frame.get_close_reason()}"
            transport.disconnect()

    def _note(self, payload: bytes) -> None:
        begin = payload.index(_SEQ) + len(_SEQ)
        published = int(payload[begin : begin + 16])
        self._arrived.delays.append(time.time_ns() // 1000 - published)


class SocketIoWatcher(Watcher):
    """A connection to socket.io: the Engine.IO protocol, version 4, as its own client speaks it."""

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The server speaks first."""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is not WSMsgType.TEXT:
            return
        payload = frame.get_payload_as_bytes()
        if payload.startswith(b"42"):
            self._note(payload)
        elif payload.startswith(b"40"):
            self.ready.set_result(None)
        elif payload.startswith(b"0"):
            transport.send(WSMsgType.TEXT, b"40")
        elif payload == b"2":
            transport.send(WSMsgType.TEXT, b"3")


async def main() -> None:
    """Open all, then do as told."""
    order = json.loads(await asyncio.to_thread(sys.stdin.readline))
    arrived = Arrived(array("q"))
    kind = SocketIoWatcher if order["is_socket_io"] else Watcher
    room = asyncio.Semaphore(_AT_ONCE)

    async def connect(watcher: dict[str, Any]) -> WSListener:
        async with room:
            _, listener = await ws_connect(
                lambda: kind(watcher["topic"], arrived),
                watcher["url"],
                extra_headers=watcher["headers"],
                websocket_handshake_timeout=30,
                read_buffer_init_size=1024,
                local_addr=(order["address"], 0),
            )
            await listener.ready
            return listener

    kept = await asyncio.gather(*map(connect, order["watchers"]))
    print("ready", flush=True)
    while (await asyncio.to_thread(sys.stdin.readline)).strip() == "report":
        delays = arrived.delays.tolist()
        del arrived.delays[:]
        used = resource.getrusage(resource.RUSAGE_SELF)
        report = {
            "delays": delays,
            "open": len(kept) - arrived.closed,
            "cpu": used.ru_utime + used.ru_stime,
        }
        print(json.dumps(report), flush=True)


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    uvloop.run(main())
