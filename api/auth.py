"""`/auth/...` and the key set: signing up and in, sessions, codes.

What is true of accounts is decided by the functions of the schema `auth`; here are the parts that
are no SQL: how addresses are written, the hashing of passwords, sessions and tokens. Nothing that
is answered tells somebody without the code or the password whether an address has an account.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import wraps
from typing import Any

import asyncpg
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from api.addresses import Address
from api.catalogue import Catalogue
from api.errors import RequestError, from_postgres
from api.given import ADDRESS, Given
from api.limits import Limits
from api.passwords import Passwords, TooManyHashesError
from api.servers import Servers
from api.sessions import NotASessionError, Sessions
from api.signing import ROLE, Signing
from api.tokens import ANONYMOUS, Caller, Tokens
from common.redis import Redis, RedisGoneError
from common.settings import Settings
from common.signing_keys import TOKEN_LIFETIME

_TIMEOUT = 5.0  # seconds one statement may take
_PURPOSES = ("sign_up", "reset_password", "verify")
_SENT = {"expires_in": 600}

Handler = Callable[["Auth", Request], Awaitable[Response]]


class Auth:
    """The routes of `/auth`."""

    def __init__(
        self,
        settings: Settings,
        servers: Servers,
        catalogue: Catalogue,
        redis: Redis,
        limits: Limits,
        signing: Signing,
        tokens: Tokens,
    ) -> None:
        """What they need; without a session secret nobody signs in."""
        self._servers = servers
        self._catalogue = catalogue
        self._limits = limits
        self._signing = signing
        self._tokens = tokens
        self._passwords = Passwords()
        secret = settings.session_secret
        self._kept = Sessions(redis, secret.get_secret_value().encode()) if secret else None

    def routes(self) -> Sequence[BaseRoute]:
        """For Starlette."""
        return [
            Route("/auth/codes", self._answering(Auth._codes), methods=["POST"]),
            Route("/auth/sign-up", self._answering(Auth._sign_up), methods=["POST"]),
            Route("/auth/sign-in", self._answering(Auth._sign_in), methods=["POST"]),
            Route("/auth/refresh", self._answering(Auth._refresh), methods=["POST"]),
            Route("/auth/sign-out", self._answering(Auth._sign_out), methods=["POST"]),
            Route("/auth/reset-password", self._answering(Auth._reset_password), methods=["POST"]),
            Route("/auth/verify", self._answering(Auth._verify), methods=["POST"]),
            Route("/auth/sessions", self._answering(Auth._list), methods=["GET"]),
            Route("/auth/sessions", self._answering(Auth._end_others), methods=["DELETE"]),
            Route("/auth/sessions/{id}", self._answering(Auth._end), methods=["DELETE"]),
            Route("/.well-known/jwks.json", self._key_set, methods=["GET"]),
        ]

    def close(self) -> None:
        """Let the threads of the passwords end."""
        self._passwords.close()

    async def _codes(self, request: Request) -> Response:
        given = await self._given(request, *ADDRESS, "purpose", "language")
        purpose = given.one_of("purpose", _PURPOSES)
        user_id = await self._person(request) if purpose == "verify" else None
        address = given.address()
        language = given.language()
        await self._admit(request, address.text)
        await self._sql(
            request,
            "select auth.request_code($1, $2, $3, $4, $5)",
            *(purpose, address.channel, address.text, language, user_id),
        )
        return _json(_SENT, 202)

    async def _sign_up(self, request: Request) -> Response:
        given = await self._given(request, *ADDRESS, "code", "password", "language", "device")
        address, password = given.address(), given.new_password()
        language, device = given.language(), given.device()
        sessions = self._sessions()
        await self._admit(request, address.text)
        code = await self._right_code(request, "sign_up", address, given)
        row = await self._sql(
            request,
            "select * from auth.sign_up($1, $2, $3, $4, $5)",
            *(address.channel, address.text, code, await self._passwords.hash(password), language),
        )
        if row["refusal"]:
            raise self._refusal(row["refusal"])
        return await self._signed_in(sessions, str(row["user_id"]), device, 201)

    async def _sign_in(self, request: Request) -> Response:
        given = await self._given(request, *ADDRESS, "password", "device")
        address, password = given.address(), given.text("password")
        device, sessions = given.device(), self._sessions()
        await self._admit(request, address.text)
        row = await self._sql(request, "select * from auth.find_sign_in($1)", address.text)
        known = row["password_hash"] if row else None
        if not await self._passwords.verify(known, password):
            raise self._refusal("SR040")
        assert known is not None
        if self._passwords.is_outdated(known):
            newer = await self._passwords.hash(password)
            statement = "select auth.replace_password_hash($1, $2, $3)"
            await self._sql(request, statement, row["user_id"], known, newer)
        return await self._signed_in(sessions, str(row["user_id"]), device, 200)

    async def _refresh(self, request: Request) -> Response:
        given = await self._given(request, "refresh_token")
        sessions = self._sessions()
        text = given.text("refresh_token")
        token = sessions.read(text)
        await self._admit(request, caller=_person(token.user_id))
        # Before the token is used up: a database that is gone must cost nobody their session.
        if not await self._has_account(request, token.user_id):
            await sessions.end_all(token.user_id)
            raise self._refusal("SR041")
        token, successor = await sessions.refresh(text)
        return self._answer(token.user_id, token.session_id, successor, 200)

    async def _sign_out(self, request: Request) -> Response:
        given = await self._given(request, "refresh_token")
        sessions = self._sessions()
        token = sessions.read(given.text("refresh_token"))
        await self._admit(request, caller=_person(token.user_id))
        await sessions.end(token.user_id, token.session_id)
        return Response(status_code=204)

    async def _reset_password(self, request: Request) -> Response:
        given = await self._given(request, *ADDRESS, "code", "password")
        address, password = given.address(), given.new_password()
        sessions = self._sessions()
        await self._admit(request, address.text)
        code = await self._right_code(request, "reset_password", address, given)
        found = await self._sql(request, "select * from auth.find_sign_in($1)", address.text)
        if found:
            # First, so that nothing has changed where Redis is gone; and again at the end, since
            # who knows the old password can sign in until it is replaced.
            await sessions.end_all(str(found["user_id"]))
        row = await self._sql(
            request,
            "select * from auth.reset_password($1, $2, $3)",
            *(address.text, code, await self._passwords.hash(password)),
        )
        if row["refusal"]:
            raise self._refusal(row["refusal"])
        await sessions.end_all(str(row["user_id"]))
        return Response(status_code=204)

    async def _verify(self, request: Request) -> Response:
        user_id = await self._person(request)
        given = await self._given(request, *ADDRESS, "code", "password")
        address, password = given.address(), given.text("password")
        # Not by the address, which a thief could change with each try.
        await self._admit(request, user_id)
        row = await self._sql(request, "select auth.password_of($1) as password_hash", user_id)
        if row["password_hash"] is None:
            raise self._refusal("SR048")
        # A token that was stolen must not move the account to the thief's phone.
        if not await self._passwords.verify(row["password_hash"], password):
            raise self._refusal("SR040")
        row = await self._sql(
            request,
            "select auth.verify_address($1, $2, $3, $4) as refusal",
            *(user_id, address.channel, address.text, given.code()),
        )
        if row["refusal"]:
            raise self._refusal(row["refusal"])
        return Response(status_code=204)

    async def _list(self, request: Request) -> Response:
        caller = await self._caller(request)
        await self._admit(request, caller=caller)
        current = _session_of(caller)
        sessions = [
            {
                "session_id": session.session_id,
                "device": session.device,
                "created_at": _time(session.created_at),
                "used_at": _time(session.used_at),
                "is_current": session.session_id == current,
            }
            for session in await self._sessions().of(caller.user_id or "")
        ]
        return _json(sessions, 200)

    async def _end_others(self, request: Request) -> Response:
        caller = await self._caller(request)
        await self._admit(request, caller=caller)
        await self._sessions().end_all(caller.user_id or "", but=_session_of(caller))
        return Response(status_code=204)

    async def _end(self, request: Request) -> Response:
        caller = await self._caller(request)
        await self._admit(request, caller=caller)
        if not await self._sessions().end(caller.user_id or "", request.path_params["id"]):
            raise self._refusal("SR049")
        return Response(status_code=204)

    async def _key_set(self, _request: Request) -> Response:
        headers = {"cache-control": "public, max-age=300"}
        body = orjson.dumps(self._signing.key_set())
        return Response(body, media_type="application/jwk-set+json", headers=headers)

    async def _signed_in(
        self, sessions: Sessions, user_id: str, device: str, status: int
    ) -> Response:
        session_id, refresh_token = await sessions.begin(user_id, device)
        return self._answer(user_id, session_id, refresh_token, status)

    def _answer(self, user_id: str, session_id: str, refresh_token: str, status: int) -> Response:
        access_token = self._signing.token(user_id, session_id)
        if access_token is None:
            raise self._refusal("SR047")
        answer = {
            "access_token": access_token,
            "token_type": "bearer",
            "expires_in": TOKEN_LIFETIME,
            "refresh_token": refresh_token,
            "user_id": user_id,
        }
        return _json(answer, status)

    def _answering(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """The handler, with what can happen in all of them turned into refusals."""

        @wraps(handler)
        async def answer(request: Request) -> Response:
            try:
                response = await handler(self, request)
                response.raw_headers.extend(getattr(request.state, "limits", ()))
                return response
            except NotASessionError:
                raise self._refusal("SR041") from None
            except (RedisGoneError, TooManyHashesError):
                raise self._refusal("SR047") from None
            except asyncpg.PostgresError as error:
                statuses = self._catalogue.contents.statuses
                raise from_postgres(error, statuses, is_known=True) from None

        return answer

    def _sessions(self) -> Sessions:
        if self._kept is None or not self._signing.is_ready:
            raise self._refusal("SR047")
        return self._kept

    async def _has_account(self, request: Request, user_id: str) -> bool:
        """Whether it was not erased. A replica knows, unless the account is newer than its news."""
        statement = "select auth.has_account($1) as is_there"
        is_priority = self._is_priority(request)
        [row] = await self._servers.read(statement, [user_id], _TIMEOUT, is_priority=is_priority)
        return bool(row["is_there"] or (await self._sql(request, statement, user_id))["is_there"])

    async def _sql(self, request: Request, statement: str, *arguments: Any) -> Any:
        """The first row, if there is one. Reads too go to the primary: a password that was just
        replaced must not open anything on a replica that has not heard of it.
        """
        is_priority = self._is_priority(request)
        rows = await self._servers.write(statement, arguments, _TIMEOUT, is_priority=is_priority)
        return rows[0] if rows else None

    def _is_priority(self, request: Request) -> bool:
        return self._class(request) in self._catalogue.contents.priority_classes

    def _class(self, request: Request) -> str:
        """The class of the endpoint; `/auth/sessions/...` is of that of `/auth/sessions`."""
        path = "/".join(request.url.path.split("/")[:3])
        return self._catalogue.contents.path_classes.get(path, "writes")

    async def _admit(
        self, request: Request, named: str | None = None, caller: Caller = ANONYMOUS
    ) -> None:
        """Count the call, before anything is looked up for it. `named`: whom it may do harm to."""
        client = request.client.host if request.client else ""
        request.state.limits = await self._limits.admit(self._class(request), caller, client, named)

    async def _caller(self, request: Request) -> Caller:
        authorization = request.headers.get("authorization")
        caller = await self._tokens.caller(authorization.encode() if authorization else None)
        if caller.user_id is None:
            raise self._refusal("SR001")
        return caller

    async def _person(self, request: Request) -> str:
        user_id = (await self._caller(request)).user_id
        assert user_id is not None
        return user_id

    async def _given(self, request: Request, *names: str) -> Given:
        return await Given.of(request, self._catalogue.contents, *names)

    async def _right_code(
        self, request: Request, purpose: str, address: Address, given: Given
    ) -> str:
        """The code, once it is known to be right: a hash for a wrong one would be wasted."""
        code = given.code()
        statement = "select auth.check_code($1, $2, null, $3) as is_right"
        if not (await self._sql(request, statement, purpose, address.text, code))["is_right"]:
            raise self._refusal("SR042")
        return code

    def _refusal(self, code: str) -> RequestError:
        return self._catalogue.contents.error(code)


def _person(user_id: str) -> Caller:
    """Whoever holds a refresh token of this person, to count the call by."""
    return Caller(ROLE, "", True, 0.0, user_id)


def _session_of(caller: Caller) -> str | None:
    """The session that the caller's token is of; none for a token of another issuer."""
    session: str | None = orjson.loads(caller.claims).get("sid")
    return session


def _json(body: object, status: int) -> Response:
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    return Response(orjson.dumps(body), status, headers, "application/json; charset=utf-8")


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
