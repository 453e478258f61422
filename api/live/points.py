"""Points that a walker sends over the socket: a call of record_points like any over HTTP."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.types import Message

from api.ingest import RECORD_POINTS
from api.rpc import PREFIX, Rpc

_PATH = f"{PREFIX}{RECORD_POINTS}"


class Points:
    """Records points, with the rules, limits, group commit, metrics and errors of `/rpc`."""

    def __init__(self, rpc: Rpc) -> None:
        """What answers calls."""
        self._rpc = rpc

    async def record(self, authorization: bytes, arguments: Mapping[str, Any]) -> tuple[int, bytes]:
        """Status and JSON body of the answer."""
        body = orjson.dumps(arguments)
        status, parts = 500, []

        async def receive() -> Message:
            return {"type": "http.request", "body": body}

        async def send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                parts.append(message["body"])

        scope = {
            "type": "http",
            "method": "POST",
            "path": _PATH,
            "query_string": b"",
            "headers": [(b"authorization", authorization)],
            "client": None,
        }
        await self._rpc(scope, receive, send)
        return status, b"".join(parts)
