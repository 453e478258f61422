"""Which limit holds for whom: `core.rate_limits`, prepared so that a request has little to do."""

from collections.abc import Iterable, Mapping
from typing import Any

from limits import RateLimitItem, RateLimitItemPerSecond

from api.errors import Headers
from api.metrics import LIMIT_DECISIONS
from api.tokens import Caller


class Policy:
    """One row of the table."""

    __slots__ = (
        *("amount", "header", "is_hard", "item", "prefix", "window_s"),
        *("_admitted", "_refused", "_standing"),
    )

    def __init__(self, row: Mapping[str, Any]) -> None:
        """The row as read."""
        kind, subject = row["class"], row["subject"]
        self.amount: int = row["amount"]
        self.window_s: int = row["window_s"]
        self.is_hard: bool = row["is_hard"]
        # Counts outlive a change of the amount. Another window is another count.
        self.prefix = f"limit:{kind}:{subject}:{'hard' if self.is_hard else 'count'}{self.window_s}"
        self.item: RateLimitItem = RateLimitItemPerSecond(self.amount, self.window_s)
        name = f'"{kind}-{subject}"'.replace("_", "-")
        self.header = (
            b"ratelimit-policy",
            f"{name};q={self.amount};w={self.window_s}".encode(),
        )
        self._standing = name.encode() + b";r=%d;t=%d"
        counters = {
            (decision, store): LIMIT_DECISIONS.labels(kind, subject, decision, store)
            for decision in ("admitted", "refused")
            for store in ("redis", "process")
        }
        self._admitted = [counters["admitted", store] for store in ("redis", "process")]
        self._refused = [counters["refused", store] for store in ("redis", "process")]

    def headers(self, remaining: int, reset: float) -> Headers:
        """What the limit is, how much of it is left, and in how many seconds there is more.

        https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/11/
        """
        return [self.header, (b"ratelimit", self._standing % (remaining, reset))]

    def count(self, *, is_admitted: bool, is_local: bool) -> None:
        """Count a decision for /metrics."""
        (self._admitted if is_admitted else self._refused)[is_local].inc()


class ClassPolicies:
    """The limits of one class of endpoints."""

    __slots__ = ("_api_key", "_ip", "_of_keys", "_user", "address")

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """The rows of the class."""
        policies = {(row["subject"], row["api_key_id"]): Policy(row) for row in rows}
        self._api_key = policies.get(("api_key", None))
        self._user = policies.get(("user", None))
        self._ip = policies.get(("ip", None))
        self.address = policies.get(("address", None))
        """For calls that name a phone number or an e-mail address."""
        self._of_keys = {key: policy for (_, key), policy in policies.items() if key is not None}

    def of(self, caller: Caller, network: str) -> tuple[Policy, str] | None:
        """Which limit holds for the caller, and under which name the calls are counted."""
        if caller.api_key_id is not None:
            policy = self._of_keys.get(caller.api_key_id, self._api_key)
            if policy is not None:
                return policy, caller.api_key_id
        elif caller.user_id is not None and self._user is not None:
            return self._user, caller.user_id
        return None if self._ip is None else (self._ip, network)


def by_class(rows: Iterable[Mapping[str, Any]]) -> dict[str, ClassPolicies]:
    """The limits of each class that has any."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["class"], []).append(row)
    return {kind: ClassPolicies(of_class) for kind, of_class in found.items()}
