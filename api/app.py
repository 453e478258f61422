"""The ASGI application."""

import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from api import cors
from api.admin import Admin
from api.auth import Auth
from api.backend import Backend
from api.callbacks import Callbacks
from api.errors import RequestError
from api.live import events
from api.pages import pages
from api.reports import Reports
from api.rpc import PREFIX
from api.traffic import Traffic
from api.web import Web
from common.settings import Settings


class Application:
    """What one process serves: `/rpc/{function}`, `/auth/...`, `/contact`, and the admin port."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is connected before the server starts."""
        self._backend = backend = Backend(settings)
        self.servers, self._catalogue = backend.servers, backend.catalogue
        self._auth = Auth(
            settings,
            backend.servers,
            backend.catalogue,
            backend.redis,
            backend.limits,
            backend.signing,
            backend.tokens,
        )
        reports = Reports(backend.servers, backend.catalogue, backend.tokens, backend.limits)
        callbacks = Callbacks(settings, backend.servers, backend.catalogue)
        routes = [*self._auth.routes(), *pages(), *callbacks.routes(), reports.route()]
        self._rpc = backend.rpc
        self._web = Web(backend.calls, routes, self._lifespan)
        self._events = events.Events(backend.live, backend.calls)
        origins = settings.cors_origins
        self._for_pages = cors.allowing(self._route, origins) if origins else None
        self.traffic = Traffic(self._refusal, settings.api_connections, self._events.end)
        tells = Admin(backend.servers, backend.catalogue, backend.redis, self.traffic)
        self.admin = tells.application()

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
        await self._backend.open()
        yield
        await self._backend.close()
        self._auth.close()

    def _refusal(self, code: str) -> RequestError:
        """One of our own errors; that nothing is known yet, where that is so."""
        try:
            return self._catalogue.contents.error(code)
        except RequestError as unknown:
            return unknown
