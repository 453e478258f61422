"""Patroni's REST API: what the members of the cluster are, and what an operator asks of them."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import httpx

from ops.errors import OperatorError
from ops.identity import Identity

_TIMEOUT_S = 5
_SWITCHOVER_S = 60


@dataclass(frozen=True)
class Member:
    """One PostgreSQL server as Patroni sees it."""

    name: str
    role: str
    """`leader`, `sync_standby`, `quorum_standby` or `replica`."""
    state: str
    """`running` for a primary, `streaming` for a standby that follows it."""
    host: str
    port: int
    timeline: int | None
    lag: int | None
    """Bytes of the log that it lacks; none where nobody knows."""
    tags: dict[str, Any]
    api: str
    """Its own REST API, as host:port."""

    @property
    def is_primary(self) -> bool:
        """Whether it leads and runs."""
        return self.role == "leader" and self.state == "running"


@dataclass(frozen=True)
class Patroni:
    """The members, asked through whichever answers first."""

    addresses: Sequence[str]
    """Of their REST APIs, as host:port."""
    password: str | None = None
    identity: Identity | None = None
    """With it they are asked by TLS, and told who asks."""

    @cached_property
    def _verify(self) -> ssl.SSLContext | bool:
        return True if self.identity is None else self.identity.context()

    def members(self) -> list[Member]:
        """All of them; none where nobody answers."""
        for address in self.addresses:
            try:
                answer = self._request("GET", address, "/cluster", _TIMEOUT_S)
            except httpx.HTTPError:
                continue
            if answer.status_code == 200:
                return [_member(entry) for entry in answer.json().get("members", [])]
        return []

    def primary(self) -> Member | None:
        """The member that leads."""
        return next((member for member in self.members() if member.is_primary), None)

    def configure(self, settings: dict[str, Any]) -> None:
        """Change what all members share."""
        self._ask("PATCH", "/config", settings, _TIMEOUT_S)

    def switch_over(self, leader: str, candidate: str | None = None) -> str:
        """Make another member the primary, in a planned way; what Patroni said."""
        wanted = {"leader": leader} | ({"candidate": candidate} if candidate else {})
        return self._ask("POST", "/switchover", wanted, _SWITCHOVER_S)

    def reinitialize(self, member: Member) -> str:
        """Have a standby delete its data and copy the primary; not waited for."""
        alone = replace(self, addresses=[member.api])
        return alone._ask("POST", "/reinitialize", {"force": True}, _TIMEOUT_S)

    def _ask(self, method: str, path: str, body: dict[str, Any], timeout: float) -> str:
        said = "no member of the cluster answers"
        for address in self.addresses:
            try:
                answer = self._request(method, address, path, timeout, body)
            except httpx.ConnectError:
                continue
            except httpx.HTTPError as error:
                raise OperatorError(f"Patroni at {address}: {error}") from error
            if answer.is_success:
                return answer.text
            said = f"Patroni at {address} refuses: {answer.text.strip() or answer.status_code}"
            break
        raise OperatorError(said)

    def _request(
        self, method: str, address: str, path: str, timeout: float, body: object = None
    ) -> httpx.Response:
        known = ("patroni", self.password) if self.password else None
        scheme = "https" if self.identity else "http"
        return httpx.request(
            method,
            f"{scheme}://{address}{path}",
            json=body,
            auth=known,
            timeout=timeout,
            verify=self._verify,
        )


def _member(entry: dict[str, Any]) -> Member:
    lag = entry.get("lag")
    return Member(
        name=entry["name"],
        role=entry["role"],
        state=entry["state"],
        host=entry.get("host", ""),
        port=entry.get("port", 0),
        timeline=entry.get("timeline"),
        lag=lag if isinstance(lag, int) else None,
        tags=entry.get("tags", {}),
        api=urlsplit(entry.get("api_url", "")).netloc,
    )
