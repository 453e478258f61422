"""How often calls may be made: counted in Redis, by all API processes together.

Limits, subjects and amounts are rows of `core.rate_limits`. A call costs one round trip: its
script also says how much is left, so that the headers need no second one.

- Hard limits: the moving window of the library `limits`. The time of each call is kept.
- Others: a sliding-window counter. Two counts are kept; the earlier one weighs as much as of its
  window is left in the last `window_s` seconds.

While Redis is gone, each process counts for itself (the library's store in memory): N processes
admit up to N times as much. Signing in and up, and codes, are refused instead (SR047): there a
limit that is forgotten is an attack that succeeds. What is not limited (SOS) asks nobody.
"""

import functools
import hashlib
import ipaddress
import logging
import math
import time
from typing import Any, NamedTuple

from limits.aio.storage.redis.bridge import RedisBridge
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter, SlidingWindowCounterRateLimiter
from redis.exceptions import NoScriptError

from api.catalogue import Catalogue
from api.errors import Headers, RequestError
from api.lines import Lines
from api.policies import Policy
from api.tokens import Caller
from common.redis import Redis, RedisGoneError

logger = logging.getLogger("saferoute.api")

FAIL_CLOSED = frozenset({"sign_in", "sign_up", "codes"})
"""Classes that are refused while nobody can count their calls."""


class Standing(NamedTuple):
    """What came of a call."""

    is_admitted: bool
    remaining: int
    reset: float
    """Seconds until more is admitted, at least as much as is asked for."""


class _Script:
    """Lua that is sent once to each node, and then called by its digest."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

    async def run(self, redis: Redis, lines: Lines, keys: tuple[str, ...], *arguments: Any) -> Any:
        call = (len(keys), *keys, *arguments)
        try:
            return await lines.ask(keys[0], "EVALSHA", self._digest, *call)
        except NoScriptError:  # a node that is new
            return await redis.execute_command("EVAL", self._source, *call)


# Instead of the library's: 16 us in the server against 22, and 30 with its second script, which
# tells what is left. KEYS: the counts of the last window and of this one. ARGV: amount, share of
# the last window that still counts, seconds to keep the count of this one.
_COUNTER = _Script(
    """
local counts = redis.call('MGET', KEYS[1], KEYS[2])
local last, current = tonumber(counts[1] or 0), tonumber(counts[2] or 0)
if math.floor(last * ARGV[2]) + current >= tonumber(ARGV[1]) then
    return {0, last, current}
end
if redis.call('INCR', KEYS[2]) == 1 then
    redis.call('EXPIRE', KEYS[2], ARGV[3])
end
return {1, last, current + 1}
"""
)
# Both of the library's scripts, so that one call admits and tells. By the server's clock, which
# is the same for all processes. ARGV: amount, window in seconds.
_MOVING = _Script(
    f"""
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local function acquire(ARGV)
{RedisBridge.SCRIPT_ACQUIRE_MOVING_WINDOW.decode()}
end
local function entries(ARGV)
{RedisBridge.SCRIPT_MOVING_WINDOW.decode()}
end
local is_admitted = acquire({{now, ARGV[1], ARGV[2], 1}})
local window = entries({{now - ARGV[2], ARGV[1]}}) or {{now, 0}}
return {{is_admitted and 1 or 0, window[2], tostring(window[1] + ARGV[2] - now)}}
"""
)


class Limits:
    """Admits calls or refuses them."""

    def __init__(self, redis: Redis, lines: Lines, catalogue: Catalogue) -> None:
        """Where calls are counted, and where the limits are read from."""
        self._redis = redis
        self._lines = lines
        self._catalogue = catalogue
        self._is_local = False
        # Not the library's asynchronous store: that one looks through all its keys at every hit
        # (1.2 ms at 10,000 keys).
        memory = MemoryStorage()
        self._local = {
            False: SlidingWindowCounterRateLimiter(memory),
            True: MovingWindowRateLimiter(memory),
        }

    async def admit(
        self, endpoint_class: str, caller: Caller, client: str, address: str | None = None
    ) -> Headers:
        """Count one call; headers that tell how many more are admitted.

        `client`: the IP address it came from. `address`: the phone number or e-mail address it
        names, in the form it is stored in. Raises SR070 where there were too many, SR047 where
        the call may not pass uncounted and Redis is gone.
        """
        policies = self._catalogue.contents.policies.get(endpoint_class)
        if policies is None:
            return []
        headers: Headers = []
        found = policies.of(caller, network(client))
        if found is not None:
            headers = await self._admit(endpoint_class, *found)
        if address is not None and policies.address is not None:
            digest = hashlib.sha256(address.encode()).hexdigest()
            # How often others have tried it is nobody's business: it would tell who has an account.
            await self._admit(endpoint_class, policies.address, digest)
        return headers

    async def _admit(self, endpoint_class: str, policy: Policy, subject: str) -> Headers:
        try:
            standing = await (self._moving if policy.is_hard else self._counter)(policy, subject)
            is_local = False
            if self._is_local:
                self._note_back()
        except RedisGoneError:
            self._note_gone()
            if endpoint_class in FAIL_CLOSED:
                raise self._catalogue.contents.error("SR047") from None
            standing = self._count_here(policy, subject)
            is_local = True
        policy.count(is_admitted=standing.is_admitted, is_local=is_local)
        headers = policy.headers(standing.remaining, math.ceil(standing.reset))
        if not standing.is_admitted:
            raise self._refusal(headers, standing.reset)
        return headers

    async def _counter(self, policy: Policy, subject: str) -> Standing:
        window = policy.window_s
        index, passed = divmod(time.time(), window)
        tag = f"{{{policy.prefix}:{subject}}}"
        # One process's clock may be behind another's: the count is kept longer than two windows.
        is_admitted, last, current = await _COUNTER.run(
            *(self._redis, self._lines, (f"{tag}{index - 1:.0f}", f"{tag}{index:.0f}")),
            *(policy.amount, 1 - passed / window, 2 * window + 60),
        )
        left = window - passed
        counted = math.floor(last * left / window) + current
        if is_admitted:
            return Standing(True, max(policy.amount - counted, 0), left)
        return Standing(False, 0, wait(policy, last, current, left))

    async def _moving(self, policy: Policy, subject: str) -> Standing:
        is_admitted, count, reset = await _MOVING.run(
            *(self._redis, self._lines, (f"{policy.prefix}:{subject}",)),
            *(policy.amount, policy.window_s),
        )
        return Standing(bool(is_admitted), max(policy.amount - count, 0), float(reset))

    def _count_here(self, policy: Policy, subject: str) -> Standing:
        limiter = self._local[policy.is_hard]
        is_admitted = limiter.hit(policy.item, policy.prefix, subject)
        reset, remaining = limiter.get_window_stats(policy.item, policy.prefix, subject)
        return Standing(is_admitted, remaining, max(reset - time.time(), 0))

    def _refusal(self, headers: Headers, reset: float) -> RequestError:
        error = self._catalogue.contents.error("SR070")
        error.extra.update((name.decode(), value.decode()) for name, value in headers)
        error.extra["retry-after"] = str(max(math.ceil(reset), 1))
        return error

    def _note_gone(self) -> None:
        if not self._is_local:
            self._is_local = True
            logger.warning("calls are counted in this process: Redis is gone")

    def _note_back(self) -> None:
        """Of all masters: where one of three is gone, two thirds of the calls still pass here."""
        if self._redis.is_up:
            self._is_local = False
            logger.warning("calls are counted in Redis again")


def wait(policy: Policy, last: int, current: int, left: float) -> float:
    """Seconds until a counter admits a call again, if no other is before it.

    `last` and `current`: calls counted in the last window and in this one, of which `left` s are
    left.
    """
    window, amount = policy.window_s, policy.amount
    if current < amount:  # when less of the last window counts
        return left - window * (amount - current) / last
    return left + window * (1 - amount / current)  # in the next one, less of this


@functools.lru_cache(10_000)
def network(client: str) -> str:
    """Who an IP address belongs to: itself, or of IPv6 the /64, which is one customer's."""
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((address.packed[:8] + bytes(8), 64)))
