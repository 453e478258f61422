"""Everything that is not `/rpc`: Starlette, with every error as our body of four keys."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from api.errors import RequestError, mistake, no_such_path

logger = logging.getLogger("saferoute.api")


class Web:
    """The ASGI endpoint of these routes. Handlers raise RequestError; it is answered here."""

    def __init__(self, routes: Sequence[BaseRoute], lifespan: Callable[[Starlette], Any]) -> None:
        """`lifespan` is a context of the whole process."""
        self._starlette = Starlette(
            routes=routes,
            lifespan=lifespan,
            exception_handlers={
                RequestError: _refused,
                HTTPException: _not_routed,
                Exception: _mistaken,
            },
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or run the lifespan."""
        try:
            await self._starlette(scope, receive, send)
        except Exception as error:
            if scope["type"] != "http":
                raise
            # Starlette has answered and raises again. Neither the message nor the traceback nor
            # the path is logged: they may hold positions, addresses and codes.
            handler = getattr(scope.get("endpoint"), "__qualname__", "no handler")
            logger.error("%s in %s", type(error).__name__, handler)


def response(error: RequestError) -> Response:
    """The error as Starlette answers it."""
    status, headers, body = error.answer()
    answer = Response(body, status)
    answer.raw_headers.extend(headers)
    return answer


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    return response(error)


async def _not_routed(request: Request, error: Exception) -> Response:
    """What the router found: no such path, or not this method."""
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        refusal = f"Unsupported HTTP method: {request.method}"
        return response(RequestError(405, "PGRST117", refusal, headers=error.headers))
    if error.status_code == 404:
        return response(no_such_path())
    return response(RequestError(error.status_code, "PGRST100", error.detail))


async def _mistaken(_request: Request, _error: Exception) -> Response:
    return response(mistake())
