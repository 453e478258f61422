"""The floor: Starlette, asyncpg, the same SQL functions, and nothing else.

No token, no role, no claims, no errors of its own. Its connections are the signed-in person's
for good: role and claims are settings they start with.
"""

import contextlib
import os
from collections.abc import AsyncIterator

import asyncpg
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

MY_JOURNEYS = 'select api.my_journeys("limit" => $1)::text'
START_JOURNEY = """
select api.start_journey(journey_id => $1, from_lon => $2, from_lat => $3)::text
"""
RECORD_POINTS = "select api.record_points(journey_id => $1, points => $2)::text"


async def _no_reset(_connection: asyncpg.Connection) -> None:
    pass


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """A pool of the same size and with the same no-op reset as the API's."""
    size = int(os.environ["RPC_POOL_SIZE"])
    settings = {"role": "authenticated", "request.jwt.claims": os.environ["RPC_CLAIMS"]}
    async with asyncpg.create_pool(
        os.environ["RPC_BARE_DSN"],
        min_size=size,
        max_size=size,
        reset=_no_reset,
        server_settings=settings,
    ) as app.state.pool:
        yield


async def my_journeys(request: Request) -> Response:
    """GET with one argument."""
    limit = int(request.query_params["limit"])
    return _json(await request.app.state.pool.fetchval(MY_JOURNEYS, limit))


async def start_journey(request: Request) -> Response:
    """POST with three arguments."""
    sent = orjson.loads(await request.body())
    arguments = (sent["journey_id"], sent["from_lon"], sent["from_lat"])
    return _json(await request.app.state.pool.fetchval(START_JOURNEY, *arguments))


async def record_points(request: Request) -> Response:
    """POST with a list of objects."""
    sent = orjson.loads(await request.body())
    arguments = (sent["journey_id"], orjson.dumps(sent["points"]).decode())
    return _json(await request.app.state.pool.fetchval(RECORD_POINTS, *arguments))


def _json(value: str) -> Response:
    return Response(value, media_type="application/json")


app = Starlette(
    routes=[
        Route("/rpc/my_journeys", my_journeys),
        Route("/rpc/start_journey", start_journey, methods=["POST"]),
        Route("/rpc/record_points", record_points, methods=["POST"]),
    ],
    lifespan=lifespan,
)
