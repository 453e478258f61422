"""`/reports/{id}`: a report that a worker has made, as the file it is."""

import base64

import asyncpg
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.catalogue import Catalogue
from api.errors import from_postgres
from api.limits import Limits
from api.raised import raised
from api.servers import Servers
from api.tokens import Tokens

_CONTENT = """
select body from core.call($1, true, $2, 'GET', '/reports', '{}', 'saferoute_api/reports',
    'select api.report_content(($1 ->> ''report_id'')::uuid)::text', $3)
"""
# An HTML page is to be seen and to do nothing, as our own pages could do in the person's name.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


class Reports:
    """The route."""

    def __init__(
        self, servers: Servers, catalogue: Catalogue, tokens: Tokens, limits: Limits
    ) -> None:
        """What it needs."""
        self._servers = servers
        self._catalogue = catalogue
        self._tokens = tokens
        self._limits = limits

    def route(self) -> Route:
        """For Starlette."""
        return Route("/reports/{id:uuid}", self._answer, methods=["GET"])

    async def _answer(self, request: Request) -> Response:
        authorization = request.headers.get("authorization")
        caller = await self._tokens.caller(authorization.encode() if authorization else None)
        client = request.client.host if request.client else ""
        admitted = await self._limits.admit("reads", caller, client)
        timeout = await self._catalogue.timeout(caller.role)
        named = orjson.dumps({"report_id": str(request.path_params["id"])}).decode()
        try:
            # On the primary: who has just heard that it is ready must find it.
            [row] = await self._servers.write(
                _CONTENT, (caller.role, caller.claims, named), timeout, is_repeatable=True
            )
        except asyncpg.PostgresError as error:
            statuses = self._catalogue.contents.statuses
            known = raised(error) or from_postgres(error, statuses, is_known=caller.is_known)
            raise known from None
        report = orjson.loads(row["body"])
        answer = Response(
            base64.b64decode(report["base64"]),
            headers={
                "content-type": report["media_type"],
                "content-disposition": f'inline; filename="{report["file_name"]}"',
                "content-security-policy": _POLICY,
                "cache-control": "no-store",
                "referrer-policy": "no-referrer",
                "x-content-type-options": "nosniff",
            },
        )
        answer.raw_headers.extend(admitted)
        return answer
