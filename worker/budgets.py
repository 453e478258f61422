"""How fast we may ask a provider: the third layer of limits, after the gateway's and the API's.

All worker processes share a budget in Redis. Alerts have three quarters of it for themselves, so
that no number of codes and invitations can hold one up. While Redis is gone each process counts for
itself, as N processes up to N times as much: the provider then says 429, and the delivery waits.
"""

import threading
import time

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.errors import ConfigurationError, StorageError
from limits.storage import MemoryStorage, Storage
from limits.storage.redis_cluster import RedisClusterStorage
from limits.strategies import MovingWindowRateLimiter
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException, RedisError
from redis.retry import Retry

from common.settings import Settings
from worker.channels import TryAgainError

_ALARM_SHARE = 0.75
PATIENCE_S = 0.25
"""How long an alert waits for its turn; others do not."""
_STEP_S = 0.02
_REDIS_S = 0.05
"""What a question to Redis may take."""
_PAUSE_S = 2.0
"""How long Redis is left alone once it has not answered."""
_GONE = (RedisError, RedisClusterException, StorageError, ConfigurationError, OSError)


class Budget:
    """So many requests a second to one provider."""

    def __init__(self, settings: Settings, provider: str, per_second: int) -> None:
        """Nothing is connected yet."""
        alarms = max(1, round(per_second * _ALARM_SHARE))
        self._items: dict[bool, tuple[RateLimitItem, str]] = {
            True: (RateLimitItemPerSecond(alarms), f"{provider}:alarm"),
            False: (RateLimitItemPerSecond(max(1, per_second - alarms)), f"{provider}:others"),
        }
        self._settings = settings
        self._memory = MovingWindowRateLimiter(MemoryStorage())
        self._shared: MovingWindowRateLimiter | None = None
        self._looks_at = 0.0
        self._lock = threading.Lock()

    def take(self, is_alarm: bool) -> None:
        """Count one request. Raises TryAgainError where there have been enough."""
        until = time.monotonic() + (PATIENCE_S if is_alarm else 0)
        while not self._hit(*self._items[is_alarm]):
            if time.monotonic() >= until:
                raise TryAgainError("our limit of requests to the provider", 1)
            time.sleep(_STEP_S)

    def _hit(self, item: RateLimitItem, key: str) -> bool:
        shared = self._limiter()
        if shared is not None:
            try:
                return shared.hit(item, key)
            except _GONE:
                self._shared, self._looks_at = None, time.monotonic() + _PAUSE_S
        return self._memory.hit(item, key)

    def _limiter(self) -> MovingWindowRateLimiter | None:
        """What counts for all processes; none while Redis is gone, or another thread looks."""
        is_due = self._shared is None and time.monotonic() >= self._looks_at
        if is_due and self._lock.acquire(blocking=False):
            try:
                self._shared = MovingWindowRateLimiter(_storage(self._settings))
            except _GONE:
                self._looks_at = time.monotonic() + _PAUSE_S
            finally:
                self._lock.release()
        return self._shared


def _storage(settings: Settings) -> Storage:
    password = settings.redis_password
    return RedisClusterStorage(
        f"redis+cluster://{settings.redis_hosts}",
        wrap_exceptions=True,
        key_prefix="BUDGET",
        password=password.get_secret_value() if password else None,  # type: ignore[arg-type]
        socket_timeout=_REDIS_S,
        socket_connect_timeout=_REDIS_S,
        retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type]
        require_full_coverage=False,
        dynamic_startup_nodes=False,
    )
