"""What operators ask of one process, on a port of its own: `/live`, `/ready` and `/metrics`.

The port is apart so that the public one shows no internals, and so that a process whose
connections and pools are all taken still answers: nothing here waits for anything.
"""

import time
from dataclasses import asdict

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.catalogue import Catalogue
from api.servers import Servers
from api.states import Clients, States
from common.redis import Redis


class Admin:
    """The answers of the admin port."""

    def __init__(
        self, servers: Servers, catalogue: Catalogue, redis: Redis, clients: Clients
    ) -> None:
        """What they tell of."""
        self._servers = servers
        self._catalogue = catalogue
        self._redis = redis
        self._clients = clients
        self._states = CollectorRegistry()
        self._states.register(States(servers, catalogue, redis, clients))

    def application(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/live", _live),
                Route("/ready", self._ready),
                Route("/metrics", self._metrics),
            ]
        )

    async def _ready(self, _request: Request) -> Response:
        """200 while calls can be answered, if only those that read, and the process goes on.

        Without Redis most can.
        """
        states = self._servers.states()
        read_at = self._catalogue.read_at
        is_used = states["primary"] + states["standby"] > 0 and not states["full"]
        is_ready = read_at is not None and is_used and not self._clients.is_draining
        age = None if read_at is None else round(time.monotonic() - read_at, 3)
        body = {
            "ready": is_ready,
            "draining": self._clients.is_draining,
            "servers": [asdict(report) for report in self._servers.reports()],
            "catalogue": {"age_s": age},
            "redis": {"up": self._redis.is_up, "troubles": self._redis.troubles},
        }
        return Response(orjson.dumps(body), 200 if is_ready else 503, media_type="application/json")

    async def _metrics(self, _request: Request) -> Response:
        page = generate_latest(REGISTRY) + generate_latest(self._states)
        return Response(page, headers={"content-type": CONTENT_TYPE_LATEST})


async def _live(_request: Request) -> Response:
    return Response(b'{"live":true}', media_type="application/json")
