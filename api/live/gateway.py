"""The public side of the live gateway: who is let in, how many, and how it ends."""

import asyncio
import contextlib
import random
import time
from collections.abc import Collection

from picows import (
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
    ws_create_server,
)

from api.backend import Backend
from api.errors import RequestError, no_such_path, unavailable
from api.live import codes
from api.live.connection import FRAME_LIMIT, Connection
from api.live.logs import Quiet
from api.live.metrics import CONNECTIONS
from api.live.points import Points
from api.tokens import invalid
from common import tls
from common.settings import Settings

PATH = "/live"
_PROTOCOL = "bearer"
_BACKLOG = 4096
_ANSWERS_S = 5.0  # for what is being answered when the gateway is stopped
_CLOSE_S = 2.0
_AT_ONCE = 200  # connections that are closed in one turn of the event loop
_COMING_BACK = 500  # clients a second that the others take without trouble
_LONGEST_PAUSE_MS = 10_000


class Gateway:
    """All connections of one process."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is connected before it is opened."""
        self._settings = settings
        self.backend = Backend(settings)
        self.live = self.backend.live
        self.points = Points(self.backend.rpc)
        self._origins = {
            origin.strip() for origin in settings.cors_origins.split(",") if origin.strip()
        }
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._looking: asyncio.Task[None] | None = None
        self.is_draining = False
        CONNECTIONS.labels("websocket").set_function(lambda: len(self._connections))

    async def open(self) -> None:
        """Connect, and accept watchers."""
        settings = self._settings
        await self.backend.open()
        self._looking = asyncio.create_task(self._look())
        self._server = await ws_create_server(
            self._accept,
            settings.live_host,
            settings.live_port,
            backlog=_BACKLOG,
            max_frame_size=FRAME_LIMIT,
            read_buffer_init_size=2048,
            enable_auto_pong=False,
            logger_name=Quiet(),
            reuse_port=False,
            ssl=tls.identity(settings),
        )

    async def close(self) -> None:
        """Send everybody to another gateway, once `/ready` has said no for long enough."""
        self.is_draining = True
        await asyncio.sleep(self._settings.drain_s)
        if self._server is not None:
            self._server.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_ANSWERS_S):
                await asyncio.gather(*(found.finish() for found in self._connections))
        await self._send_away()
        if self._looking is not None:
            self._looking.cancel()
        await self.backend.close()

    @property
    def connections(self) -> Collection[Connection]:
        """Watchers that are connected now."""
        return self._connections

    @property
    def limit(self) -> int:
        """How many there may be."""
        return self._settings.live_connections

    # What connections tell.

    def connected(self, connection: Connection) -> None:
        """Another one."""
        self._connections.add(connection)

    def disconnected(self, connection: Connection) -> None:
        """One less."""
        self._connections.discard(connection)
        self.live.went(connection)

    # The handshake.

    def _accept(self, request: WSUpgradeRequest) -> WSUpgradeResponseWithListener:
        """Let somebody in, or answer as every error is answered."""
        try:
            authorization, protocol = self._proof(request)
        except RequestError as refusal:
            return _refused(refusal)
        headers = request.headers
        # Firefox says "keep-alive, Upgrade", of which picows understands nothing.
        if "upgrade" in (word.strip() for word in headers.get("connection", "").lower().split(",")):
            headers["connection"] = "Upgrade"
        extra = {"Sec-WebSocket-Protocol": protocol} if protocol else None
        response = WSUpgradeResponse.create_101_response(extra)
        now = asyncio.get_running_loop().time()
        return WSUpgradeResponseWithListener(response, Connection(self, authorization, now))

    def _proof(self, request: WSUpgradeRequest) -> tuple[bytes, str | None]:
        """What proves who it is, as an Authorization header; and the subprotocol it came by."""
        path = request.path.partition(b"?")[0].decode("latin-1")
        if path != PATH:
            raise no_such_path()
        if self.is_draining:
            raise unavailable("The gateway is being stopped")
        if len(self._connections) >= self.limit:
            raise unavailable("Too many connections", "PGRST003")
        headers = request.headers
        origin = headers.get("origin")
        if origin is not None and not self._origins & {origin, "*"}:
            raise RequestError(403, "42501", "Pages of this origin may not connect")
        authorization = headers.get("authorization")
        if authorization is not None:
            return authorization.encode(), None
        offered = [word.strip() for word in headers.get("sec-websocket-protocol", "").split(",")]
        if len(offered) == 2 and offered[0] == _PROTOCOL:
            return f"Bearer {offered[1]}".encode(), _PROTOCOL
        raise invalid("PGRST302", "Send a token")

    # What happens by itself.

    async def _look(self) -> None:
        """Look at every connection once a second, which costs less than a timer for each."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(1)
            now, clock = loop.time(), time.time()
            for connection in tuple(self._connections):
                connection.look(now, clock)

    async def _send_away(self) -> None:
        """Close all, and have them come back to the others one after another."""
        pauses = min(len(self._connections) * 1000 // _COMING_BACK, _LONGEST_PAUSE_MS)
        for number, connection in enumerate(tuple(self._connections), 1):
            pause = random.randint(0, pauses)  # noqa: S311  # no secret
            connection.say({"type": "bye", "reconnect_after_ms": pause})
            connection.close(codes.RESTARTS)
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
        deadline = time.monotonic() + _CLOSE_S
        while self._connections and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        for connection in tuple(self._connections):
            connection.abort()


def _refused(refusal: RequestError) -> WSUpgradeResponseWithListener:
    status, headers, body = refusal.answer()
    extra = {name.decode(): value.decode("latin-1") for name, value in headers}
    response = WSUpgradeResponse.create_error_response(status, body, extra)
    return WSUpgradeResponseWithListener(response, None)
