"""The HTTP server alone, in this process, and an application that writes down what it gets."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import orjson
import uvicorn
import uvloop
from starlette.types import Receive, Scope, Send

from api.connection import Connection
from api.errors import RequestError
from api.front import Front
from api.traffic import Traffic

STATUSES = {"SR034": 431, "SR035": 408, "SR036": 400, "SR037": 414}


@dataclass
class Recorder:
    """Answers with its number. `/slow` waits to be released, `/large` is 8 MiB, `/early` reads no
    body."""

    seen: list[tuple[str, str, bytes]] = field(default_factory=list)
    headers: list[dict[bytes, bytes]] = field(default_factory=list)
    started: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for kind in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{kind}.complete"})
            return
        body, message = b"", {"more_body": scope["path"] != "/early"}
        while message.get("more_body"):
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message["body"]
        self.seen.append((scope["method"], scope["path"], body))
        self.headers.append(dict(scope["headers"]))
        number = len(self.seen)
        if scope["path"] == "/slow":
            self.started.set()
            await asyncio.to_thread(self.released.wait)
        answer = b"." * 2**23 if scope["path"] == "/large" else b"%d" % number
        length = (b"content-length", b"%d" % len(answer))
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": answer})


class Fronted:
    """A running server."""

    def __init__(self, front: Front, traffic: Traffic, recorder: Recorder, port: int) -> None:
        self.front, self.traffic, self.recorder, self.port = front, traffic, recorder, port

    def connect(self) -> socket.socket:
        """A client; whatever it waits for longer than 20 s does not come."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def exchange(self, *parts: bytes) -> list["Answer"]:
        """Send it all, say that it is all, and read the answers up to the end."""
        with self.connect() as client:
            for part in parts:
                with contextlib.suppress(ConnectionError):  # it may have been refused by then
                    client.sendall(part)
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_WR)
            return answers(read_all(client))


@dataclass
class Answer:
    """One answer on the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """Of an error, whose body has the four keys."""
        body = orjson.loads(self.body)
        assert list(body) == ["code", "message", "details", "hint"]
        code: str = body["code"]
        assert self.headers["proxy-status"] == f"PostgREST; error={code}"
        return code


def read_all(client: socket.socket) -> bytes:
    """All that comes until the server closes."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := client.recv(65536):
            received += chunk
    return received


def answers(received: bytes) -> list[Answer]:
    """The answers, each with a Content-Length, and nothing besides."""
    found = []
    while received:
        head, end, received = received.partition(b"\r\n\r\n")
        assert end, head
        line, *lines = head.decode("latin-1").split("\r\n")
        if line == "HTTP/1.1 100 Continue":
            continue
        assert line.startswith("HTTP/1.1 "), line
        pairs = (entry.split(": ", 1) for entry in lines)
        headers = {name.lower(): value for name, value in pairs}
        length = int(headers.get("content-length", "0"))
        assert len(received) >= length
        found.append(Answer(int(line.split()[1]), headers, received[:length]))
        received = received[length:]
    return found


def _refusal(code: str) -> RequestError:
    return RequestError(STATUSES[code], code, "refused")


@contextlib.contextmanager
def fronted(limit: int = 100, drain_s: float = 0) -> Iterator[Fronted]:
    """Run the server in a thread until the block ends."""
    recorder = Recorder()
    traffic = Traffic(_refusal, limit, lambda: None)
    config = uvicorn.Config(
        recorder,
        host="127.0.0.1",
        port=0,
        http=Connection,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
    front = Front(config, traffic, drain_s)
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    thread = threading.Thread(target=lambda: uvloop.run(front.serve([listening])))
    thread.start()
    try:
        yield Fronted(front, traffic, recorder, port)
    finally:
        recorder.released.set()
        front.force_exit = front.should_exit = True
        thread.join(20)
    assert not thread.is_alive()
