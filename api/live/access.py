"""Who may watch what."""

import hashlib
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from api.errors import RequestError
from api.live.codes import BAD_TOKEN, NO_SHARE, NOT_ALLOWED, ClosedError
from api.live.hub import GRIDS
from api.servers import Servers
from api.signing import ROLE
from api.tokens import Caller, Tokens

_TIMEOUT = 5.0
_SHARE = "select live.open_share($1)"
_MAY_WATCH = "select live.may_watch($1, $2)"


@dataclass(frozen=True, slots=True)
class Share:
    """What the token of a share shows."""

    share_id: str
    journey_id: str
    since_seq: int
    expires_at: str
    precision: str


@dataclass(frozen=True, slots=True)
class Guest:
    """Who has connected: a person, or somebody with a share."""

    authorization: bytes
    user_id: str | None
    share: Share | None
    valid_until: float
    """Unix time up to which the token need not be looked at again."""

    @property
    def subject(self) -> str:
        """Whose connections are counted together."""
        return self.user_id or (self.share.share_id if self.share else "")


class Access:
    """Looks at tokens, and at who may watch a walk."""

    def __init__(self, servers: Servers, tokens: Tokens) -> None:
        """Who is asked."""
        self._servers = servers
        self._tokens = tokens

    async def guest(self, authorization: bytes) -> Guest:
        """Whose token it is: `Bearer`, a JWT or the token of a share. Raises ClosedError."""
        token = authorization[7:].strip()
        if authorization[:7].lower() != b"bearer " or not token:
            raise ClosedError(BAD_TOKEN)
        if b"." not in token:
            share = await self._share(token)
            return Guest(authorization, None, share, float("inf"))
        try:
            caller: Caller = await self._tokens.caller(authorization)
        except RequestError as error:
            if error.status != 401:
                raise
            raise ClosedError(BAD_TOKEN, error.body["message"]) from None
        try:
            user_id = str(UUID(caller.user_id))
        except (ValueError, TypeError):
            user_id = None
        if caller.role != ROLE or user_id is None:
            raise ClosedError(NOT_ALLOWED)
        return Guest(authorization, user_id, None, caller.valid_until)

    async def check(self, guest: Guest, kind: str, topic_id: UUID) -> tuple[int, float] | None:
        """From which seq on the guest may watch the topic and on which grid; else none."""
        text = str(topic_id)
        if kind == "user":
            return (0, 0.0) if guest.user_id == text else None
        if guest.share is not None:
            share = guest.share
            return (share.since_seq, GRIDS[share.precision]) if share.journey_id == text else None
        may = await self._ask(_MAY_WATCH, UUID(guest.user_id), topic_id)
        return (0, 0.0) if may else None

    async def _share(self, token: bytes) -> Share:
        found = await self._ask(_SHARE, hashlib.sha256(token).digest())
        if found is None:
            raise ClosedError(NO_SHARE)
        share = orjson.loads(found)
        return Share(
            share["share_id"],
            share["journey_id"],
            share["since_seq"],
            share["expires_at"],
            share["precision"],
        )

    async def _ask(self, statement: str, *arguments: object) -> Any:
        """The one value, of the primary where a standby says no: it may not have the row yet."""
        [[found]] = await self._servers.read(statement, arguments, _TIMEOUT)
        if not found:
            [[found]] = await self._servers.write(statement, arguments, _TIMEOUT)
        return found
