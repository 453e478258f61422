"""What the connections of one process share: the time, the limits, and whether it is to end."""

import time
from collections.abc import Callable

from uvicorn.server import ServerState

from api.errors import RequestError

HEAD_S = 10
"""Seconds in which the head of a request must arrive, the first one from the connecting."""
BODY_S = WRITE_S = 30
"""Seconds in which a body must arrive and an answer be taken, without what the rate allows."""
RATE = 4096
"""Bytes that allow a body or an answer a second more: the slowest phone there is."""
KEEP_ALIVE_S = 75
"""Seconds a connection may be quiet between requests: longer than a proxy keeps it (nginx 60), so
that the proxy, which knows what it sends next, is the one that closes."""
LINGER_S = 2
"""Seconds to read and drop what a refused client still sends: without that the kernel would reset
the connection, and the client would never see why."""
QUIET_S = 1
"""Seconds of silence after which a process that ends closes a connection."""


class Traffic(ServerState):
    """All connections, looked at once a second.

    One look at each in turn costs 0.4 µs; a timer for each request costs 5 % of its CPU.
    """

    def __init__(
        self, refusal: Callable[[str], RequestError], limit: int, end_streams: Callable[[], None]
    ) -> None:
        """`refusal` finds one of our own errors by its code; `limit` is of connections;
        `end_streams` ends the answers that have no end of their own.
        """
        super().__init__()
        self.refusal = refusal
        self.limit = limit
        self._end_streams = end_streams
        self.is_draining = False
        self.now = time.monotonic()

    def look(self) -> None:
        """Refuse or close what takes too long."""
        self.now = time.monotonic()
        for connection in tuple(self.connections):
            connection.look()  # type: ignore[union-attr]

    def drain(self) -> None:
        """From now on every answer is the last one of its connection."""
        self.is_draining = True
        for connection in self.connections:
            connection.shutdown()
        self._end_streams()

    def close_quiet(self) -> None:
        """Close the connections on which nothing happens."""
        self.now = time.monotonic()
        for connection in tuple(self.connections):
            connection.close_if_quiet(QUIET_S)  # type: ignore[union-attr]

    def abandon(self, error: RequestError) -> None:
        """Answer everything that still runs with this error."""
        for connection in tuple(self.connections):
            connection.abandon(error)  # type: ignore[union-attr]
