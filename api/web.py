"""Everything that is not `/rpc`: Starlette, with every error as our body of four keys."""

from collections.abc import Callable, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Message, Receive, Scope, Send

from api.calls import Calls, place
from api.errors import Headers, RequestError, mistake, no_such_path
from api.trace import REQUEST_ID


class Web:
    """The ASGI endpoint of these routes. Handlers raise RequestError; it is answered here."""

    def __init__(
        self,
        calls: Calls,
        routes: Sequence[BaseRoute],
        lifespan: Callable[[Starlette], Any],
    ) -> None:
        """`lifespan` is a context of the whole process."""
        self._calls = calls
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
        if scope["type"] != "http":
            await self._starlette(scope, receive, send)
            return
        call = self._calls.began(scope)
        answer = _Answer(send, [(REQUEST_ID, call.trace.request_id.encode())])
        try:
            await self._starlette(scope, receive, answer.send)
        except Exception as error:
            # Starlette has answered and raises again.
            call.mistake = place(error)
        route = scope.get("route")
        if isinstance(route, Route):
            call.function = route.path
        self._calls.ended(call, answer.status, answer.body)


class _Answer:
    """Adds headers to what is sent, and remembers what a log line needs of it."""

    def __init__(self, send: Send, headers: Headers) -> None:
        self._send = send
        self._headers = headers
        self.status = 500
        self.body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": [*message["headers"], *self._headers]}
        else:
            self.body = message.get("body", b"")
        await self._send(message)


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
