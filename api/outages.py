"""Writes that wait for a primary: those that may be sent again, while there is none."""

import asyncio
import time

from api.lanes import LONGEST

PATIENCE = 8.0
"""Seconds from its beginning after which a write is not begun again. A crash of the primary takes 2
to 5 s and a switchover 3; the 20 of a dead host are the client's to wait.
"""
LATEST = 9.5
"""Seconds after which it has ended: the gateway gives a call for help 10."""


class Outages:
    """Who waits: so many in each lane, woken as soon as a primary has answered."""

    def __init__(self, connections: int) -> None:
        """As many may wait as may for so many connections, which is what they do next."""
        self._most = connections * LONGEST
        self._waiting: dict[bool, dict[asyncio.Future[None], float]] = {True: {}, False: {}}

    def __len__(self) -> int:
        """Writes that wait now."""
        return sum(map(len, self._waiting.values()))

    async def end(self, since: float, until: float, *, is_priority: bool) -> bool:
        """Wait until a primary has answered after `since`. False where none has by `until`, or too
        many wait already. Both are on the monotonic clock.
        """
        lane = self._waiting[is_priority]
        if len(lane) >= self._most:
            return False
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        lane[woken] = since
        try:
            async with asyncio.timeout(until - time.monotonic()):
                await woken
        except TimeoutError:
            return False
        finally:
            lane.pop(woken, None)
        return True

    def wake(self, seen_at: float) -> None:
        """A primary has answered then: those go on that have waited since before."""
        for lane in self._waiting.values():
            for woken, since in lane.items():
                if since < seen_at and not woken.done():
                    woken.set_result(None)
