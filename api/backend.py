"""What every process has that serves: the parts that a call goes through, and what watchers see."""

import asyncio
import contextlib
import gc

from api.api_keys import ApiKeys
from api.calls import Calls
from api.catalogue import Catalogue
from api.errors import RequestError
from api.ingest import Ingest
from api.limits import Limits
from api.lines import Lines
from api.live.live import Live
from api.publications import Publications
from api.rpc import Rpc
from api.servers import Servers
from api.signing import Signing
from api.tokens import Tokens
from common.redis import Redis
from common.settings import Settings


class Backend:
    """The parts, connected to the database and Redis while they are open."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is connected before it is opened."""
        self.servers = Servers(settings, self._functions_changed)
        self.redis = Redis(settings)
        self.catalogue = Catalogue(self.servers)
        self.signing = Signing(settings)
        self.tokens = Tokens(settings, self.signing)
        self.calls = Calls()
        self._api_keys = ApiKeys(self.servers, self.catalogue)
        self._ingest = Ingest(self.servers)
        self._lines = Lines(self.redis)
        self.limits = Limits(self.redis, self._lines, self.catalogue)
        self._publications = Publications(self.redis, self._lines)
        self.rpc = Rpc(
            self.calls,
            self.servers,
            self.catalogue,
            self.tokens,
            self._api_keys,
            self._ingest,
            self.limits,
            self._publications,
        )
        self.live = Live(self.servers, self.catalogue, self.redis, self.tokens)
        self._reloads: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Connect, and learn what may be called."""
        await self.servers.open()
        await self.redis.warm()
        await self._reload()
        self.live.open()
        gc.freeze()  # it stays: to look through it again and again held all answers up for 30 ms

    async def close(self) -> None:
        """Store and publish what is on its way, and disconnect."""
        await self.live.close()
        await self._ingest.close()
        await self.servers.close()
        await self._publications.close()  # also what a last call has published
        await self._lines.close()
        await self.redis.aclose()

    def _functions_changed(self) -> None:
        """Read the catalogue in the background; where that fails, the next request does it."""
        self._api_keys.forget()
        task = asyncio.create_task(self._reload())
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)

    async def _reload(self) -> None:
        with contextlib.suppress(RequestError):
            await self.catalogue.reload()
