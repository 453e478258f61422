"""A load generator lighter than what it loads: raw HTTP/1.1 over keep-alive connections."""

import asyncio
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast


@dataclass
class Load:
    """A fixed number of requests; `request(i)` is the i-th as bytes on the wire."""

    request: Callable[[int], bytes]
    count: int
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    answered: int = 0
    latencies: list[float] = field(default_factory=list)
    finished: "asyncio.Future[None]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def next(self) -> bytes | None:
        """The next request, none once all are sent."""
        number = next(self.numbers)
        return self.request(number) if number < self.count else None

    def answer(self, answer: bytes) -> None:
        """Count one answer; anything but success ends the run."""
        if self.finished.done():
            return
        if not answer.startswith(b"HTTP/1.1 2") or b'"errors":' in answer:  # GraphQL's
            self.finished.set_exception(RuntimeError(answer.decode("latin-1")))
            return
        self.answered += 1
        if self.answered == self.count:
            self.finished.set_result(None)


class _Connection(asyncio.Protocol):
    def __init__(self, load: Load) -> None:
        self._load = load
        self._buffer = b""
        self._sent_at = 0.0
        self._is_accepted = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        if len(body) >= length:
            self._buffer = b""
            if self._is_accepted:
                self._load.latencies.append(time.perf_counter() - self._sent_at)
            self._is_accepted = True
            self._load.answer(head + b"\n" + body)
            self._send()

    def _send(self) -> None:
        request = self._load.next()
        if request is not None:
            self._sent_at = time.perf_counter()
            self._transport.write(request)

    def connection_lost(self, _error: Exception | None) -> None:
        if not self._load.finished.done():
            self._load.finished.set_exception(RuntimeError("the server closed a connection"))


async def drive(port: int, request: Callable[[int], bytes], count: int, connections: int) -> float:
    """Seconds that `count` requests took over this many connections, one in flight on each."""
    elapsed, _ = await timed(port, request, count, connections)
    return elapsed


async def timed(
    port: int, request: Callable[[int], bytes], count: int, connections: int
) -> tuple[float, list[float]]:
    """As `drive`, and the seconds each request took, without the first of each connection.

    That one waits until a busy server has accepted all the connections before it.
    """
    return await spread([port], request, count, connections)


async def spread(
    ports: Sequence[int], request: Callable[[int], bytes], count: int, connections: int
) -> tuple[float, list[float]]:
    """As `timed`, with so many connections to each of several servers, whichever is faster."""
    loop = asyncio.get_running_loop()
    load = Load(request, count)
    began = time.perf_counter()
    transports = [
        (await loop.create_connection(lambda: _Connection(load), "127.0.0.1", port))[0]
        for _ in range(connections)
        for port in ports
    ]
    await load.finished
    elapsed = time.perf_counter() - began
    for transport in transports:
        transport.close()
    return elapsed, load.latencies
