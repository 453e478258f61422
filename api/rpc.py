"""`/rpc/{function}`: one request, one statement, and PostgreSQL's JSON straight to the socket."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import asyncpg
import orjson
from starlette.types import Receive, Scope, Send

from api import consistency
from api.api_keys import HEADER, ApiKeys
from api.body import is_too_deep, json_body, mended
from api.calls import Call, Calls, place
from api.catalogue import SCHEMA, Catalogue, Function
from api.consistency import Position
from api.errors import (
    JSON,
    NOSNIFF,
    PRIVATE,
    Headers,
    RequestError,
    from_postgres,
    mistake,
    no_such_path,
)
from api.ingest import RECORD_POINTS, Ingest
from api.limits import Limits
from api.logins import APPLICATION
from api.metrics import REPLAYS
from api.publications import Publications
from api.raised import own_headers, own_status, raised
from api.servers import Servers
from api.tokens import Caller, Tokens
from api.trace import REQUEST_ID

PREFIX = "/rpc/"
_USUAL = [JSON, PRIVATE, NOSNIFF]
_CALL = "select * from core.call($1, $2, $3, $4, $5, $6, $7, $8, $9)"
_CALL_ONCE = "select * from core.call_once($10, $11, $1, $2, $3, $4, $5, $6, $7, $8, $9)"
_KEY = b"idempotency-key"
_METHODS = ("GET", "HEAD", "POST")
_HIDDEN = (b"authorization", b"cookie", HEADER)  # secrets that no function needs to see


class Rpc:
    """The ASGI endpoint: no request and response objects on the hot path."""

    def __init__(
        self,
        calls: Calls,
        servers: Servers,
        catalogue: Catalogue,
        tokens: Tokens,
        api_keys: ApiKeys,
        ingest: Ingest,
        limits: Limits,
        publications: Publications,
    ) -> None:
        """What every request needs."""
        self._calls = calls
        self._servers = servers
        self._ingest = ingest
        self._catalogue = catalogue
        self._tokens = tokens
        self._api_keys = api_keys
        self._limits = limits
        self._publications = publications

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        call = self._calls.began(scope)
        try:
            status, headers, body = await self._answer(scope, receive, call)
        except RequestError as refusal:
            status, headers, body = refusal.answer()
        except Exception as error:
            call.mistake = place(error)
            status, headers, body = mistake().answer()
        self._calls.ended(call, status, body)
        headers.append((REQUEST_ID, call.trace.request_id.encode()))
        if scope["method"] == "HEAD":
            body = b""
        elif status != 204:
            headers.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(
        self, scope: Scope, receive: Receive, call: Call
    ) -> tuple[int, Headers, bytes]:
        method: str = scope["method"]
        if method not in _METHODS:
            refusal = f"Cannot use the {method} method on RPC"
            raise RequestError(405, "PGRST101", refusal, headers={"allow": ", ".join(_METHODS)})
        name = scope["path"][len(PREFIX) :]
        if not name or "/" in name:
            raise no_such_path()
        received = call.headers
        key, authorization = received.get(HEADER), received.get(b"authorization")
        if key is None:
            caller = await self._tokens.caller(authorization)
        else:
            caller = await self._api_keys.caller(key, authorization)
        answered = _profile(method, received)
        function = await self._catalogue.function(name)
        call.function = function.name
        if caller.scopes is not None and function.endpoint_class not in caller.scopes:
            raise self._catalogue.contents.error("SR061")
        client = scope["client"]
        answered += await self._limits.admit(
            function.endpoint_class, caller, client[0] if client else ""
        )
        if method == "POST":
            body = await json_body(received, receive, self._catalogue.contents)
            if function.endpoint_class in self._catalogue.contents.priority_classes:
                body = mended(body)
            statement, arguments, named = await self._from_body(function, body)
        else:
            if function.is_volatile:
                raise RequestError(
                    405,
                    "25006",
                    f"{SCHEMA}.{function.name} writes, and {method} only reads",
                    hint="Call it with POST.",
                    headers={"allow": "POST"},
                )
            statement, arguments, named = await self._from_query(function, scope["query_string"])
        answer = await self._call(function, caller, scope, call, statement, arguments)
        if function.is_volatile:
            answered += await self._consistency_token()
        usual = _USUAL
        if answer["headers"] is not None:
            own, publications = own_headers(answer["headers"])
            names = {name for name, _ in own}
            usual = [header for header in usual if header[0] not in names]
            if b"idempotency-replayed" in names:
                REPLAYS.inc()
            elif publications is not None:
                self._publications.publish_all(publications)
            answered += own
        elif function.name == RECORD_POINTS:
            self._publications.publish_position(named, answer["body"])
        status = 204 if function.is_void else 200
        if answer["status"] is not None:
            status = own_status(answer["status"])
        if function.is_void:
            return status, answered, b""
        value = answer["body"]
        return status, [*usual, *answered], b"null" if value is None else value.encode()

    async def _call(
        self,
        function: Function,
        caller: Caller,
        scope: Scope,
        call: Call,
        statement: str,
        arguments: str,
    ) -> Mapping[str, Any]:
        trace = call.trace
        timeout = await self._catalogue.timeout(caller.role)
        key = call.headers.get(_KEY) if function.is_volatile else None
        if key is None and self._ingest.takes(function, caller, arguments):
            stored = await self._ingest.record(caller, arguments, timeout)
            if stored is not None:
                return {"body": stored, "status": None, "headers": None}
        parameters: tuple[object, ...] = (
            caller.role,
            not function.is_volatile,
            caller.claims,
            scope["method"],
            scope["path"],
            _headers_json(call.headers),
            f"{APPLICATION}/{trace.request_id}",
            # This text is parsed for every call anyway; the statement around it stays the same.
            f"{statement}/*action='{function.action}',traceparent='{trace.traceparent}'*/",
            arguments,
        )
        is_priority = function.endpoint_class in self._catalogue.contents.priority_classes
        try:
            if function.is_volatile:
                run = _CALL
                if key is not None:
                    run, parameters = (
                        _CALL_ONCE,
                        (*parameters, key.decode("latin-1"), function.name),
                    )
                rows = await self._servers.write(
                    run,
                    parameters,
                    timeout,
                    is_priority=is_priority,
                    is_repeatable=key is not None or function.is_repeatable,
                )
            else:
                after = self._after(call.headers.get(consistency.HEADER))
                rows = await self._servers.read(
                    _CALL, parameters, timeout, after=after, is_priority=is_priority
                )
        except asyncpg.PostgresError as error:
            statuses = self._catalogue.contents.statuses
            known = raised(error) or from_postgres(error, statuses, is_known=caller.is_known)
            raise known from None
        answer: Mapping[str, Any] = rows[0]
        return answer

    async def _consistency_token(self) -> Headers:
        # Where it cannot be read the write has happened all the same.
        position = await self._servers.position()
        return [] if position is None else [(consistency.HEADER, str(position).encode())]

    def _after(self, token: bytes | None) -> Position | None:
        """What the caller has written and wants to read."""
        if token is None:
            return None
        try:
            return Position.of(token.decode("latin-1"))
        except ValueError:
            # To ignore it would answer with what may be stale to who has asked for the opposite.
            raise self._catalogue.contents.error("SR082") from None

    async def _from_body(
        self, function: Function, body: bytes
    ) -> tuple[str, str, Mapping[str, Any]]:
        """Statement and JSON arguments of a POST, which are parsed once; and what they say."""
        if function.takes_body:
            arguments = body or b"null"
            _parsed(arguments)
            return function.statement_of_body(), arguments.decode(), {}
        named = _parsed(body) if body else {}
        if not isinstance(named, dict):
            raise RequestError(400, "PGRST102", "The body must be a JSON object of named arguments")
        return await self._statement(function, frozenset(named)), body.decode() or "{}", named

    async def _from_query(
        self, function: Function, query: bytes
    ) -> tuple[str, str, Mapping[str, Any]]:
        """Statement and JSON arguments of a GET; PostgreSQL casts each text to its type."""
        try:
            named: dict[str, Any] = dict(parse_qsl(query.decode("ascii"), True, errors="strict"))
        except ValueError:
            raise RequestError(400, "PGRST102", "The query string is not in UTF-8") from None
        statement = await self._statement(function, frozenset(named))
        for name in function.json_names & named.keys():
            text = named[name].encode()
            if is_too_deep(text):
                raise self._catalogue.contents.error("SR033")
            _parsed(text)
            named[name] = orjson.Fragment(named[name])
        return statement, orjson.dumps(named).decode(), named

    async def _statement(self, function: Function, names: frozenset[str]) -> str:
        try:
            return function.statement(names)
        except RequestError:
            # The function may have got other arguments since the catalogue was read.
            await self._catalogue.reload_if_old()
            return (await self._catalogue.function(function.name)).statement(names)


def _profile(method: str, received: dict[bytes, bytes]) -> Headers:
    """The Content-Profile to answer with; 406 where another schema than ours is asked for."""
    profile = received.get(b"content-profile" if method == "POST" else b"accept-profile")
    if profile is None:
        return []
    if profile != SCHEMA.encode():
        raise RequestError(
            406,
            "PGRST106",
            f"Invalid schema: {profile.decode('latin-1')}",
            hint=f"Only the following schemas are exposed: {SCHEMA}",
        )
    return [(b"content-profile", profile)]


def _parsed(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except ValueError:
        raise RequestError(400, "PGRST102", "Empty or invalid json") from None


def _headers_json(received: dict[bytes, bytes]) -> str:
    """The headers for `request.headers`, without secrets."""
    return orjson.dumps(
        {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in received.items()
            if name not in _HIDDEN
        }
    ).decode()
