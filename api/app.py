"""The ASGI application."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from api import cors
from api.admin import Admin
from api.api_keys import ApiKeys
from api.auth import Auth
from api.callbacks import Callbacks
from api.calls import Calls
from api.catalogue import Catalogue
from api.errors import RequestError
from api.ingest import Ingest
from api.limits import Limits
from api.lines import Lines
from api.live import events
from api.live.live import Live
from api.pages import pages
from api.publications import Publications
from api.reports import Reports
from api.rpc import PREFIX, Rpc
from api.servers import Servers
from api.signing import Signing
from api.tokens import Tokens
from api.traffic import Traffic
from api.web import Web
from common.redis import Redis
from common.settings import Settings


class Application:
    """What one process serves: `/rpc/{function}`, `/auth/...`, `/contact`, and the admin port."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is connected before the server starts."""
        self.servers = Servers(settings, self._functions_changed)
        self._redis = Redis(settings)
        self._catalogue = Catalogue(self.servers)
        self._reloads: set[asyncio.Task[None]] = set()
        self._api_keys = ApiKeys(self.servers, self._catalogue)
        signing = Signing(settings)
        tokens = Tokens(settings, signing)
        calls = Calls()
        self._ingest = Ingest(self.servers)
        self._lines = Lines(self._redis)
        self._limits = Limits(self._redis, self._lines, self._catalogue)
        self._publications = Publications(self._redis, self._lines)
        self._rpc = Rpc(
            calls,
            self.servers,
            self._catalogue,
            tokens,
            self._api_keys,
            self._ingest,
            self._limits,
            self._publications,
        )
        self._auth = Auth(
            settings,
            self.servers,
            self._catalogue,
            self._redis,
            self._limits,
            signing,
            tokens,
        )
        reports = Reports(self.servers, self._catalogue, tokens, self._limits)
        callbacks = Callbacks(settings, self.servers, self._catalogue)
        routes = [*self._auth.routes(), *pages(), *callbacks.routes(), reports.route()]
        self._web = Web(calls, routes, self._lifespan)
        self._live = Live(self.servers, self._catalogue, self._redis, tokens)
        self._events = events.Events(self._live, calls)
        origins = settings.cors_origins
        self._for_pages = cors.allowing(self._route, origins) if origins else None
        self.traffic = Traffic(self._refusal, settings.api_connections, self._events.end)
        self.admin = Admin(self.servers, self._catalogue, self._redis, self.traffic).application()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = scope.get("headers", ())
        if self._for_pages is not None and any(name == b"origin" for name, _ in headers):
            await self._for_pages(scope, receive, send)
        else:
            await self._route(scope, receive, send)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Starlette's layers cost a tenth of a call, which needs none."""
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await self._rpc(scope, receive, send)
        elif scope["type"] == "http" and scope["path"] == events.PATH:
            await self._events(scope, receive, send)
        else:
            await self._web(scope, receive, send)

    @contextlib.asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        await self.servers.open()
        await self._redis.warm()
        await self._reload()
        self._live.open()
        gc.freeze()  # it stays: to look through it again and again held all answers up for 30 ms
        yield
        await self._live.close()
        await self._ingest.close()
        await self.servers.close()
        await self._publications.close()
        await self._lines.close()
        await self._redis.aclose()
        self._auth.close()

    def _refusal(self, code: str) -> RequestError:
        """One of our own errors; that nothing is known yet, where that is so."""
        try:
            return self._catalogue.contents.error(code)
        except RequestError as unknown:
            return unknown

    def _functions_changed(self) -> None:
        """Read the catalogue in the background; where that fails, the next request does it."""
        self._api_keys.forget()
        task = asyncio.create_task(self._reload())
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)

    async def _reload(self) -> None:
        with contextlib.suppress(RequestError):
            await self._catalogue.reload()
