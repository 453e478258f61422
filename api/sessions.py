"""Sessions of signed-in people, in Redis Cluster: one key per person, a field per session.

A refresh token is `1.user.session.secret.tag`. Of the secret only the SHA-256 is kept. The tag is
an HMAC of the rest, so that what we never issued is refused without a look at Redis, and cannot end
anybody's session by being taken for a stolen token.

A token is good for one refresh. The next secret is the HMAC of the one before, so

- a token that comes back within `RETRY_WITHIN` seconds (its answer was lost) gets the very same
  successor: nobody is signed out on their walk by a bad network;
- one that comes back later has been copied: the session ends, for whoever holds what of it;
- one that is the successor of what Redis knows proves that Redis lost a rotation in a failover
  (replication is asynchronous), and is taken as what it is.

One Lua script does all of a rotation, at once.
"""

import hmac
import logging
import secrets
import time
import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from common.redis import Redis, sessions_key

RETRY_WITHIN = 10
"""Seconds in which a token may come back because its answer was lost."""
IDLE = 30 * 24 * 3600
"""Seconds after which a session that is not refreshed ends."""
LIFETIME = 90 * 24 * 3600
"""Seconds after which every session ends."""
MOST = 20
"""Sessions of one person; a new one ends the one that was used longest ago."""
_VERSION = "1"
_SECRET_BYTES = 32
_TAG_BYTES = 16

# The sessions of a person, without those that are over: what every script begins with.
_READ = f"""
local now = tonumber(ARGV[1])
local function read(id)
  local text = redis.call('HGET', KEYS[1], id)
  if not text then return nil end
  local s = cjson.decode(text)
  if now >= s.used_at + {IDLE} or now >= s.created_at + {LIFETIME} then
    redis.call('HDEL', KEYS[1], id)
    return nil
  end
  return s
end
local function write(id, s)
  redis.call('HSET', KEYS[1], id, cjson.encode(s))
  redis.call('EXPIRE', KEYS[1], {IDLE})
end
"""

# now, session, digest, digest of the next secret, device, most
_BEGIN = (
    _READ
    + """
local all = redis.call('HGETALL', KEYS[1])
local live = {}
for i = 1, #all, 2 do
  local s = read(all[i])
  if s then live[#live + 1] = {all[i], s.used_at} end
end
table.sort(live, function(a, b) return a[2] < b[2] end)
for i = 1, #live - tonumber(ARGV[6]) + 1 do redis.call('HDEL', KEYS[1], live[i][1]) end
write(ARGV[2], {digest = ARGV[3], next = ARGV[4], device = ARGV[5], created_at = now, used_at = now,
  rotated_at = now})
"""
)

# now, session, digest of the secret that came, of its successor, of the one after, seconds to retry
_ROTATE = (
    _READ
    + """
local s = read(ARGV[2])
if not s then return 'none' end
local came = ARGV[3]
if came == s.previous and now <= s.rotated_at + tonumber(ARGV[6]) then return 'again' end
if came ~= s.digest and came ~= s.next then
  redis.call('HDEL', KEYS[1], ARGV[2])
  return 'reused'
end
local lost = came ~= s.digest
s.previous, s.digest, s.next = came, ARGV[4], ARGV[5]
s.rotated_at, s.used_at = now, now
write(ARGV[2], s)
return lost and 'behind' or 'rotated'
"""
)

# now, session that stays (or none)
_KEEP_ONE = """
for _, id in ipairs(redis.call('HKEYS', KEYS[1])) do
  if id ~= ARGV[2] then redis.call('HDEL', KEYS[1], id) end
end
"""

logger = logging.getLogger("saferoute.api")


class NotASessionError(Exception):
    """The token is none of ours, or its session has ended."""


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """What a refresh token says; its tag holds."""

    user_id: str
    session_id: str
    secret: bytes


@dataclass(frozen=True, slots=True)
class Session:
    """One session as its person sees it; times are Unix times."""

    session_id: str
    device: str
    created_at: float
    used_at: float


class Sessions:
    """Begins, renews, lists and ends sessions. Every method can raise RedisGoneError."""

    def __init__(self, redis: Redis, secret: bytes) -> None:
        """`secret` is the key of refresh tokens; one derived from it serves each purpose."""
        self._redis = redis
        self._tag_key = hmac.digest(secret, b"saferoute refresh token tag", "sha256")
        self._next_key = hmac.digest(secret, b"saferoute refresh token successor", "sha256")

    async def begin(self, user_id: str, device: str) -> tuple[str, str]:
        """A new session; its id and its first refresh token."""
        session_id = str(uuid.uuid4())
        secret = secrets.token_bytes(_SECRET_BYTES)
        digests = (_digest(secret), _digest(self._successor(secret)))
        await self._run(_BEGIN, user_id, session_id, *digests, device, MOST)
        return session_id, self._written(RefreshToken(user_id, session_id, secret))

    async def refresh(self, text: str) -> tuple[RefreshToken, str]:
        """The session of a refresh token, and the token that takes its place."""
        token = self.read(text)
        successor = self._successor(token.secret)
        digests = (_digest(token.secret), _digest(successor), _digest(self._successor(successor)))
        arguments = (token.session_id, *digests, RETRY_WITHIN)
        outcome = await self._run(_ROTATE, token.user_id, *arguments)
        match outcome:
            case b"rotated" | b"again":
                pass
            case b"behind":
                logger.warning("Redis had lost the refresh of a session; it goes on")
            case b"reused":
                logger.warning("a refresh token was used again: its session has been ended")
                raise NotASessionError
            case _:
                raise NotASessionError
        return token, self._written(RefreshToken(token.user_id, token.session_id, successor))

    def read(self, text: str) -> RefreshToken:
        """What the text says, if it is a refresh token of ours. Asks nobody."""
        parts = text.split(".")
        if len(parts) != 5 or parts[0] != _VERSION:
            raise NotASessionError
        try:
            user_id, session_id = str(uuid.UUID(parts[1])), str(uuid.UUID(parts[2]))
            secret, tag = _decoded(parts[3]), _decoded(parts[4])
        except ValueError:
            raise NotASessionError from None
        token = RefreshToken(user_id, session_id, secret)
        if not hmac.compare_digest(tag, self._tag(token)):
            raise NotASessionError
        return token

    async def of(self, user_id: str) -> list[Session]:
        """The sessions of a person, the one used last first."""
        found: Any = await self._redis.hgetall(sessions_key(user_id))
        now = time.time()
        sessions = []
        for session_id, text in found.items():
            state = orjson.loads(text)
            if now < min(state["used_at"] + IDLE, state["created_at"] + LIFETIME):
                times = (float(state["created_at"]), float(state["used_at"]))
                sessions.append(Session(session_id.decode(), state["device"], *times))
        return sorted(sessions, key=lambda session: session.used_at, reverse=True)

    async def end(self, user_id: str, session_id: str) -> bool:
        """End a session of a person; whether there was one."""
        removed: Any = await self._redis.hdel(sessions_key(user_id), session_id)
        return bool(removed)

    async def end_all(self, user_id: str, but: str | None = None) -> None:
        """End every session of a person but one."""
        await self._run(_KEEP_ONE, user_id, but or "")

    async def _run(self, script: str, user_id: str, *arguments: Any) -> Any:
        now = f"{time.time():.3f}"
        return await self._redis.eval(script, 1, sessions_key(user_id), now, *arguments)

    def _successor(self, secret: bytes) -> bytes:
        return hmac.digest(self._next_key, secret, "sha256")

    def _written(self, token: RefreshToken) -> str:
        parts = (_encoded(token.secret), _encoded(self._tag(token)))
        return ".".join((_VERSION, token.user_id, token.session_id, *parts))

    def _tag(self, token: RefreshToken) -> bytes:
        text = f"{_VERSION}.{token.user_id}.{token.session_id}.".encode()
        return hmac.digest(self._tag_key, text + token.secret, "sha256")[:_TAG_BYTES]


def _digest(secret: bytes) -> str:
    return _encoded(sha256(secret).digest())


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
