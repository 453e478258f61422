"""HTTP requests to others: within a total time, without redirects, and of no more than is needed.

They run in one event loop of the process, so that a timeout ends a request whatever the other side
does: one byte a second resets every timeout of a socket.

No connection is kept for another request. One that the other side has closed meanwhile would leave
open whether a message arrived; a second answer on it was taken for that of the next message; and at
an address that several hosts share it would be the wrong host's.
"""

import asyncio
import json
import logging
import threading
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import httpx

from worker import public_addresses
from worker.channels import RefusedError, TryAgainError

CONNECT_S = 3.0
TOTAL_S = 8.0
"""Less than the ten seconds that a delivery is claimed for."""
_MOST_BYTES = 256 * 1024
_LONGEST_WAIT_S = 3600.0
_AGENT = "safe-route"
_AT_ONCE = 4
"""Posts to addresses that people have given us: half of the threads of a worker of alarms. Twenty
that hung held up the text of another alert for 16 s."""
_PATIENCE_S = 0.25
_CONNECTIONS = httpx.Limits(max_connections=64, max_keepalive_connections=0)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as an object; an empty one where it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def retry_after_s(self) -> float | None:
        """What Retry-After says, at most an hour."""
        value = self.headers.get("retry-after", "").strip()
        try:
            seconds = float(value)
        except ValueError:
            try:
                seconds = (parsedate_to_datetime(value) - _date(self.headers)).total_seconds()
            except (TypeError, ValueError):
                return None
        return min(max(seconds, 0.0), _LONGEST_WAIT_S) if seconds == seconds else None


class Outgoing:
    """Sends requests; from any thread."""

    def __init__(self, *, allows_loopback: bool = False) -> None:
        """`allows_loopback`: whether `post_to_endpoint` may reach this machine."""
        logging.getLogger("httpx").setLevel(logging.WARNING)  # else it logs every address
        self._allows_loopback = allows_loopback
        self._endpoints = threading.BoundedSemaphore(_AT_ONCE)
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="outgoing", daemon=True).start()
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(TOTAL_S, connect=CONNECT_S),
            limits=_CONNECTIONS,
            follow_redirects=False,
            trust_env=False,
            headers={"User-Agent": _AGENT},
        )

    def request(self, method: str, url: str, *, within_s: float = TOTAL_S, **how: Any) -> Answer:
        """Ask a provider of our settings. `how` as httpx has it.

        Raises TryAgainError where there is no whole answer in time.
        """
        return self._run(self._answer(method, url, **how), within_s)

    def post_to_endpoint(self, url: str, content: bytes, headers: Mapping[str, str]) -> Answer:
        """Post to an address that a person has given us; its answer has no body for us.

        Raises RefusedError where it is not on the public internet, TryAgainError where it does not
        answer in time, or too many others do not at the moment.
        """
        if not self._endpoints.acquire(timeout=_PATIENCE_S):
            raise TryAgainError("too many addresses are slow to answer", 1)
        try:
            return self._run(self._post_to_endpoint(url, content, headers))
        finally:
            self._endpoints.release()

    async def _post_to_endpoint(
        self, url: str, content: bytes, headers: Mapping[str, str]
    ) -> Answer:
        parts = urlsplit(url)
        address = await public_addresses.checked(url, allows_loopback=self._allows_loopback)
        # The address that was checked, not one that the name has a moment later.
        host = f"[{address}]" if ":" in address else address
        target = urlunsplit((parts.scheme, f"{host}:{_port(url)}", parts.path, parts.query, ""))
        return await self._answer(
            "POST",
            target,
            keeps_body=False,
            content=content,
            headers={**headers, "Host": parts.netloc},
            extensions={"sni_hostname": parts.hostname},
        )

    def _run(self, work: Coroutine[Any, Any, T], within_s: float = TOTAL_S) -> T:
        async def in_time() -> T:
            async with asyncio.timeout(within_s):
                return await work

        try:
            return asyncio.run_coroutine_threadsafe(in_time(), self._loop).result()
        except TimeoutError:
            raise TryAgainError("no answer in time") from None
        except httpx.ConnectTimeout:
            raise TryAgainError("no connection in time") from None
        except httpx.ConnectError:
            raise TryAgainError("no connection") from None
        except httpx.InvalidURL:
            raise RefusedError("not an address") from None
        except httpx.HTTPError as error:
            raise TryAgainError(f"the connection broke: {type(error).__name__}") from None

    async def _answer(
        self,
        method: str,
        url: str,
        *,
        keeps_body: bool = True,
        **how: Any,
    ) -> Answer:
        async with self._client.stream(method, url, **how) as response:
            body = b""
            if keeps_body:
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > _MOST_BYTES:
                        raise TryAgainError("the answer is too long")
            return Answer(response.status_code, response.headers, body)


def _port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


def _date(headers: Mapping[str, str]) -> Any:
    return parsedate_to_datetime(headers.get("date", ""))
