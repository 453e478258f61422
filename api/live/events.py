"""`GET /live/events`: the same stream as Server-Sent Events, where no WebSocket gets through.

It is served by the API, outside Starlette and what counts requests: a stream has no end of its own.
"""

import asyncio
import contextlib
import time
from collections import deque
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.types import Receive, Scope, Send

from api.calls import Calls, place
from api.errors import NOSNIFF, PRIVATE, RequestError, mistake
from api.live import codes
from api.live.access import Guest
from api.live.codes import ClosedError
from api.live.connection import PING_S, SLOW_LIMIT
from api.live.live import Live
from api.live.metrics import CLOSED, CONNECTIONS
from api.tokens import invalid
from api.trace import REQUEST_ID

PATH = "/live/events"
_STATUSES = {codes.BAD_TOKEN: 401, codes.NOT_ALLOWED: 403, codes.NO_SHARE: 404}
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    PRIVATE,
    NOSNIFF,
    (b"x-accel-buffering", b"no"),  # or nginx would keep what is to be told at once
]


class Events:
    """The ASGI endpoint."""

    def __init__(self, live: Live, calls: Calls) -> None:
        """What tells, and what counts."""
        self._live = live
        self._calls = calls
        self._streams: set[_Stream] = set()
        CONNECTIONS.labels("events").set_function(lambda: len(self._streams))

    def end(self) -> None:
        """The process is being stopped: clients come back to another."""
        for stream in tuple(self._streams):
            stream.close(codes.RESTARTS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, for as long as its client listens."""
        call = self._calls.began(scope)
        call.function = PATH
        name = (REQUEST_ID, call.trace.request_id.encode())
        stream = _Stream(self._live)
        try:
            try:
                if scope["method"] != "GET":
                    raise RequestError(405, "PGRST117", "Send a GET", headers={"allow": "GET"})
                await stream.begin(call.headers, scope["query_string"])
            except Exception as error:
                refusal = self._refusal(error)
                if refusal.status == 500:
                    call.mistake = place(error)
                status, headers, body = refusal.answer()
                headers += [(b"content-length", b"%d" % len(body)), name]
                self._calls.ended(call, status, body)
                await send({"type": "http.response.start", "status": status, "headers": headers})
                await send({"type": "http.response.body", "body": body})
                return
            self._calls.ended(call, 200, b"")
            self._streams.add(stream)
            await send({"type": "http.response.start", "status": 200, "headers": [*_HEADERS, name]})
            await stream.run(receive, send)
        finally:
            self._streams.discard(stream)
            stream.leave()

    def _refusal(self, error: Exception) -> RequestError:
        match error:
            case RequestError():
                return error
            case ClosedError() if error.code == codes.NO_SHARE:
                return self._live.error("SR096")
            case ClosedError() if error.code == codes.BAD_TOKEN:
                return invalid("PGRST301", error.reason)
            case ClosedError():
                return RequestError(_STATUSES.get(error.code, 503), "42501", error.reason)
        return mistake()


class _Stream:
    """A watcher of one topic. See hub.Watcher."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._guest: Guest | None = None
        self._subscription: Any = None
        self._authorization = b""
        self._queue: deque[bytes] = deque()
        self._size = 0
        self._limit = 2**62  # a snapshot may be larger than what may wait otherwise
        self._ended: tuple[int, str] | None = None
        self._news = asyncio.Event()

    async def begin(self, headers: dict[bytes, bytes], query: bytes) -> None:
        """Find out who asks, and begin to tell. Raises RequestError and ClosedError."""
        self._authorization = headers.get(b"authorization", b"")
        if not self._authorization:
            raise ClosedError(codes.BAD_TOKEN)
        guest = await self._live.access.guest(self._authorization)
        asked = dict(parse_qsl(query.decode("latin-1")))
        since = headers.get(b"last-event-id", b"").decode("latin-1") or asked.get("last_seq")
        last_seq: object = int(since) if since and since.isdecimal() else since
        if not self._live.came(self, guest):
            raise ClosedError(codes.TOO_SLOW, "too many watch by this link")
        self._guest = guest
        self._subscription = await self._live.subscribe(self, guest, asked.get("topic"), last_seq)
        self._limit = SLOW_LIMIT + self._size

    async def run(self, receive: Receive, send: Send) -> None:
        """Send what comes until somebody ends it."""
        listening = asyncio.create_task(self._listen(receive))
        try:
            while self._ended is None:
                text = await self._next()
                if text:
                    await send({"type": "http.response.body", "body": text, "more_body": True})
            code, reason = self._ended
            if code == codes.GONE:
                return
            CLOSED.labels(code).inc()
            text = b"event: close\ndata: %b\n\n" % orjson.dumps({"code": code, "reason": reason})
            if code == codes.TOO_SLOW:
                text = b""  # who does not read would not read this either
            await send({"type": "http.response.body", "body": text, "more_body": False})
        finally:
            listening.cancel()

    def leave(self) -> None:
        """Tell nothing more."""
        if self._subscription is not None:
            self._live.hub.unsubscribe(self._subscription)
        self._live.went(self)

    def tell(self, seq: int, message: bytes) -> None:
        """Keep it until it is sent, or end what is too slow."""
        if self._size > self._limit:
            self.close(codes.TOO_SLOW)
            return
        event = b"id: %d\ndata: %b\n\n" % (seq, message) if seq else b"data: %b\n\n" % message
        self._queue.append(event)
        self._size += len(event)
        self._news.set()

    def waiting(self) -> int:
        """Bytes that were not sent yet."""
        return self._size

    def revoked(self, share_id: str) -> None:
        """The share shows nothing any more."""
        if self._guest and self._guest.share and self._guest.share.share_id == share_id:
            self.close(codes.NO_SHARE)

    def denied(self, name: str) -> None:
        """Its person may not watch this topic any more."""
        self.close(codes.NOT_ALLOWED, f"nobody shows you {name} any more")

    def close(self, code: int, reason: str | None = None) -> None:
        """End the stream."""
        if self._ended is None:
            self._ended = code, reason or codes.REASONS[code]
            self._news.set()

    async def _next(self) -> bytes:
        """What is to be sent next: all that waits, or a sign of life."""
        assert self._guest is not None
        left = self._guest.valid_until - time.time()
        if left <= 0:
            await self._admit_again()
        if not self._queue:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(PING_S, max(left, 1))):
                    await self._news.wait()
        self._news.clear()
        if self._queue:
            text = b"".join(self._queue)
            self._queue.clear()
            self._size, self._limit = 0, SLOW_LIMIT
            return text
        return b": ping\n\n" if self._ended is None else b""

    async def _admit_again(self) -> None:
        try:
            self._guest = await self._live.access.guest(self._authorization)
        except ClosedError as refusal:
            self.close(refusal.code, refusal.reason)
        except RequestError:
            pass  # nobody can tell now: again at the next sign of life

    async def _listen(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.close(codes.GONE)
