"""Who gets the connections to one server: two lanes, so that an SOS never waits behind reads."""

import asyncio
from collections import deque

from api.errors import RequestError, unavailable
from api.metrics import POOL_WAITS

RESERVED = 8
"""One connection of so many, and at least one, is for priority calls alone."""
PATIENCE = 2.0
"""Seconds a call waits for a connection before it is refused."""
LONGEST = 64
"""Calls in a lane for each connection; more would not be served in time."""


class Lanes:
    """Who of many calls goes next, each lane in the order of arrival, the priority lane first."""

    def __init__(self, size: int) -> None:
        """There are `size` connections, at least two."""
        self._free = size
        self._ordinary = size - max(1, size // RESERVED)  # what ordinary calls may still take
        self._longest = size * LONGEST
        self._waiting: dict[bool, deque[asyncio.Future[None]]] = {True: deque(), False: deque()}

    @property
    def waiting(self) -> int:
        """Calls that wait now."""
        return len(self._waiting[True]) + len(self._waiting[False])

    def enter(self, is_priority: bool) -> bool:
        """Take a connection if there is one now. What is taken must be left."""
        if self._free == 0 or not (is_priority or self._ordinary):
            return False
        self._free -= 1
        if not is_priority:
            self._ordinary -= 1
        return True

    async def wait(self, is_priority: bool) -> None:
        """Wait for a connection, where `enter` found none; 503 where it takes too long.

        Only who waits pays for a timer: one for each call costs 5 % of its CPU.
        """
        lane = self._waiting[is_priority]
        if len(lane) >= self._longest:
            raise unavailable("Too many calls wait for a connection to the database", "PGRST003")
        loop = asyncio.get_running_loop()
        began = loop.time()
        place = loop.create_future()
        lane.append(place)
        timer = loop.call_later(PATIENCE, self._expire, place, lane)
        try:
            await place
        except asyncio.CancelledError:
            if place in lane:
                lane.remove(place)
            elif not place.cancelled() and place.exception() is None:
                self.leave(is_priority)  # it was let in just before its caller gave up
            raise
        finally:
            timer.cancel()
            POOL_WAITS.observe(loop.time() - began)

    def leave(self, is_priority: bool) -> None:
        """Give a connection back: whoever waits longest gets it."""
        self._free += 1
        if not is_priority:
            self._ordinary += 1
        for priority in (True, False):
            lane = self._waiting[priority]
            while lane and lane[0].done():  # its caller gave up a moment ago
                lane.popleft()
            if lane and self.enter(priority):
                lane.popleft().set_result(None)
                return

    def turn_away(self, error: Exception) -> None:
        """Give everybody who waits this error."""
        for lane in self._waiting.values():
            while lane:
                self._refuse(lane.popleft(), error)

    def _expire(self, place: "asyncio.Future[None]", lane: "deque[asyncio.Future[None]]") -> None:
        if place in lane:
            lane.remove(place)
            self._refuse(place, _busy())

    @staticmethod
    def _refuse(place: "asyncio.Future[None]", error: Exception) -> None:
        if not place.done():
            place.set_exception(error)


def _busy() -> RequestError:
    return unavailable("No connection to the database became free", "PGRST003")
