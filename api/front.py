"""The public HTTP server: it ends without losing a request."""

import asyncio
import ctypes
import socket
import struct
import time
from collections.abc import Callable
from types import FrameType

import uvicorn

from api.errors import unavailable
from api.traffic import Traffic

END_S = 10
"""Seconds that running requests have once nothing new is accepted."""
_STEP_S = 0.1
HANDSHAKE_S = 0.01
"""Seconds that a connection half made has to be made: some round trips to the balancer."""
_ATTACH_FILTER = 26  # SO_ATTACH_FILTER, which the module socket does not name
_NO_SYN = b"".join(
    struct.pack("HBBI", *instruction)
    for instruction in (
        (0x30, 0, 0, 13),  # load the flags of TCP's header
        (0x45, 0, 1, 0x02),  # has it SYN?
        (0x06, 0, 0, 0),  # drop it
        (0x06, 0, 0, 0xFFFFFFFF),  # else take it
    )
)
"""A classic BPF program for a listening socket."""


class Front(uvicorn.Server):
    """Serves until SIGTERM, then ends in order; a second signal ends it at once."""

    def __init__(self, config: uvicorn.Config, traffic: Traffic, drain_s: float) -> None:
        """`drain_s`: seconds that it still accepts while `/ready` says no."""
        super().__init__(config)
        self.server_state = self._traffic = traffic
        self._drain_s = drain_s
        self._ticks = 0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say where it listens."""
        await super().startup(sockets)
        if self.started:
            scheme = "https" if self.config.is_ssl else "http"
            print(f"listening on {scheme}://{self.config.host}:{self.config.port}", flush=True)

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: look at all connections once a second."""
        self._ticks = counter
        if counter % 10 == 0:
            self._traffic.look()
        return await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal to end."""
        self._captured_signals.append(sig)
        self.force_exit = self.should_exit
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer all that was accepted; nothing new is, once the balancer has noticed."""
        traffic = self._traffic
        traffic.drain()
        await self._until(lambda: False, self._drain_s)
        for listening in sockets or []:
            await self._stop_accepting(listening)

        def is_quiet() -> bool:
            traffic.close_quiet()
            return not traffic.connections

        await self._until(is_quiet, END_S)
        traffic.abandon(unavailable("The server is being stopped"))
        for task in traffic.tasks:
            task.cancel()
        await asyncio.gather(*traffic.tasks, return_exceptions=True)
        await self.lifespan.shutdown()

    async def _until(self, holds: Callable[[], bool], seconds: float) -> None:
        """Wait until it holds, for so long at most, while the clock goes on."""
        deadline = time.monotonic() + seconds
        while not self.force_exit and time.monotonic() < deadline and not holds():
            await asyncio.sleep(_STEP_S)
            # A connection is as old as the last look says, and a second is what one may be quiet.
            self._traffic.look()
            await self.on_tick(self._ticks + 1)

    async def _stop_accepting(self, listening: socket.socket) -> None:
        """Close the socket, and serve those whom the kernel has accepted for it.

        A connection that the kernel makes between the last look and the closing is reset: under
        full load that hit one call in 12 % of the stops. So first it is to make no more: who asks
        for one then asks again after a second, as TCP does, and finds the socket closed.
        """
        _ignore_new(listening)
        await asyncio.sleep(HANDSHAKE_S)
        waiting = listening.dup()
        for server in self.servers:
            server.close()
        listening.close()
        loop = asyncio.get_running_loop()
        accepted = []
        with waiting:
            waiting.setblocking(False)
            try:
                while True:
                    accepted.append(waiting.accept()[0])
            except OSError:  # nobody waits any more
                pass
        for connection in accepted:
            await loop.connect_accepted_socket(self._protocol, connection, ssl=self.config.ssl)

    def _protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config,
            server_state=self._traffic,
            app_state=self.lifespan.state,
        )


def _ignore_new(listening: socket.socket) -> None:
    """Have the kernel drop what asks for a new connection."""
    program = ctypes.create_string_buffer(_NO_SYN)
    count = len(_NO_SYN) // struct.calcsize("HBBI")
    described = struct.pack("HP", count, ctypes.addressof(program))
    listening.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, described)
