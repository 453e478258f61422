"""Who calls: the API key of an integrator's program.

A process reads all keys that are valid at once and looks the digest of what it is given up among
them: an unknown key costs no query, however many are tried, and where a look-up by a digest fails
tells nothing of any key. What was read is forgotten when the database says that keys have
changed, and read anew after `_FRESH` seconds, in case that was not heard.
"""

import asyncio
import contextlib
import time
from hashlib import sha256

import asyncpg
import orjson

from api.catalogue import Catalogue
from api.errors import RequestError, unavailable
from api.servers import Servers
from api.tokens import Caller

HEADER = b"x-api-key"
ROLE = "integrator"
_FRESH = 30.0  # seconds: how long a revoked key may pass where the notification is lost
_NOTED = 3600.0  # seconds between two notes that a key is in use
_LIVE = "select api_key_id::text, digest, scopes, expires_at from core.live_api_keys()"
_NOTE = "select core.note_api_key_used($1::text::uuid)"


class ApiKeys:
    """The keys that are valid now."""

    def __init__(self, servers: Servers, catalogue: Catalogue) -> None:
        """Nothing is read before the first key comes."""
        self._servers = servers
        self._catalogue = catalogue
        self._callers: dict[bytes, Caller] = {}
        self._stale_at = float("-inf")
        self._changes = 0
        self._reading: asyncio.Task[None] | None = None
        self._noted: dict[str, float] = {}
        self._notes: set[asyncio.Task[None]] = set()

    async def caller(self, key: bytes, authorization: bytes | None) -> Caller:
        """The caller that the X-API-Key header proves.

        401 where the key is not valid; 400 where a bearer token came with it: which of the two
        the caller meant is not for us to guess.
        """
        if authorization is not None and authorization[:7].lower() == b"bearer ":
            raise self._catalogue.contents.error("SR062")
        if time.monotonic() >= self._stale_at:
            await self._read()
        caller = self._callers.get(sha256(key).digest())
        if caller is None or time.time() >= caller.valid_until:
            refusal = self._catalogue.contents.error("SR060")
            refusal.extra["www-authenticate"] = "ApiKey"
            raise refusal
        self._note(caller.api_key_id or "")
        return caller

    def forget(self) -> None:
        """Keys may have changed: the next one that comes is looked up among what is read anew."""
        self._changes += 1
        self._stale_at = float("-inf")

    async def _read(self) -> None:
        """Read the keys; requests that come meanwhile share one reading."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_live())
        await asyncio.shield(self._reading)

    async def _read_live(self) -> None:
        while time.monotonic() >= self._stale_at:
            changes, began = self._changes, time.monotonic()
            try:
                (rows,) = await self._servers.fetch_all((_LIVE,))
            except asyncpg.PostgresError:
                raise unavailable("The API keys cannot be read") from None
            self._callers = {row["digest"]: _caller(row) for row in rows}
            if changes == self._changes:  # else it may be older than the change
                self._stale_at = began + _FRESH

    def _note(self, api_key_id: str) -> None:
        """Remember, behind the request's back, that the key is in use."""
        now = time.monotonic()
        if now - self._noted.get(api_key_id, float("-inf")) >= _NOTED:
            self._noted[api_key_id] = now
            task = asyncio.create_task(self._write_note(api_key_id))
            self._notes.add(task)
            task.add_done_callback(self._notes.discard)

    async def _write_note(self, api_key_id: str) -> None:
        # Where there is no primary now, it is noted an hour later.
        with contextlib.suppress(RequestError, asyncpg.PostgresError):
            await self._servers.write(_NOTE, [api_key_id], timeout=5)


def _caller(row: asyncpg.Record) -> Caller:
    ends = row["expires_at"]
    return Caller(
        ROLE,
        orjson.dumps({"role": ROLE, "api_key_id": row["api_key_id"]}).decode(),
        is_known=True,
        valid_until=ends.timestamp() if ends else float("inf"),
        api_key_id=row["api_key_id"],
        scopes=frozenset(row["scopes"]),
    )
