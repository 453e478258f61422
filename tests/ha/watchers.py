"""People who watch in the app."""

import asyncio
import time
from collections.abc import Callable

from saferoute_client import Alert, LiveClient
from tests.ha.people import token
from tests.ha.stack import SECRET


class Watcher:
    """Somebody who watches, and all that was shown to them."""

    def __init__(
        self,
        account: str,
        secret: str = SECRET,
        on_shown: Callable[[Alert], object] = lambda _: None,
    ) -> None:
        """Nothing is shown before `watch`. `on_shown` is called with each alert."""
        self.account = account
        self._secret = secret
        self._on_shown = on_shown
        self.shown: list[Alert] = []
        self.times: list[float] = []
        """When each was shown, by time.time()."""
        self._news = asyncio.Event()

    async def watch(self, url: str) -> None:
        """For ever."""
        async with LiveClient(url, token=token(self.account, self._secret)) as live:
            async for message in live.watch(f"user:{self.account}"):
                assert isinstance(message, Alert)
                self.times.append(time.time())
                self.shown.append(message)
                self._on_shown(message)
                self._news.set()

    async def until_shown(self, number: int) -> None:
        """Return once there are so many."""
        while len(self.shown) < number:
            self._news.clear()
            await self._news.wait()
