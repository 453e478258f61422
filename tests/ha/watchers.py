"""People who watch in the app."""

import asyncio
import time

from saferoute_client import Alert, LiveClient
from tests.ha.people import token


class Watcher:
    """Somebody who watches, and all that was shown to them."""

    def __init__(self, account: str) -> None:
        """Nothing is shown before `watch`."""
        self.account = account
        self.shown: list[Alert] = []
        self.times: list[float] = []
        """When each was shown, by time.time()."""
        self._news = asyncio.Event()

    async def watch(self, url: str) -> None:
        """For ever."""
        async with LiveClient(url, token=token(self.account)) as live:
            async for message in live.watch(f"user:{self.account}"):
                assert isinstance(message, Alert)
                self.times.append(time.time())
                self.shown.append(message)
                self._news.set()

    async def until_shown(self, number: int) -> None:
        """Return once there are so many."""
        while len(self.shown) < number:
            self._news.clear()
            await self._news.wait()
