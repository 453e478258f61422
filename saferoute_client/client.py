"""The connection to the gateway: kept up, resumed, and shared by all that is watched."""

import asyncio
import contextlib
import itertools
import json
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from saferoute_client.errors import BUSY, REFUSALS, LiveError, RefusedError, refusal_of_status
from saferoute_client.messages import READERS, Message
from saferoute_client.watches import Watch

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0
_PING_S = 20.0
"""How often the gateway is pinged, and how long it has to answer: else it is gone, whatever TCP
says."""
_CLOSE_S = 1.0
"""How long the other side has to say goodbye: what hangs does not."""
_CALLS = 16  # in flight: the gateway takes no more
_UNAUTHORIZED = 4401

Token = str | Callable[[], Awaitable[str]]


class LiveClient:
    """One connection to a live gateway; `async with` opens and closes it.

    A connection that ends or hangs is made anew, after a pause that doubles up to 30 s and is drawn
    from 0 to that (full jitter), so that the watchers of a gateway that has died do not all come
    back at once. Every topic is then resumed behind the last message that was shown: an alert is
    shown once, and in order.
    """

    def __init__(self, url: str, *, token: Token) -> None:
        """`url` as `wss://example.org/live`; `token` is an access token or that of a share.

        Access tokens expire: a function instead of a text is asked for one whenever a connection is
        made.
        """
        self._url = url
        self._token = token
        self._watches: dict[str, Watch] = {}
        self._calls: dict[int, tuple[dict[str, Any], asyncio.Future[Any]]] = {}
        self._room = asyncio.Semaphore(_CALLS)
        self._numbers = itertools.count(1)
        self._seen = 0
        self._connection: ClientConnection | None = None
        self._failures = 0  # connections in a row that were of no use
        self._wished_pause: float | None = None  # of a gateway that is being stopped
        self._failure: Exception | None = None
        self._runner: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to connect; what is asked for meanwhile waits."""
        self._runner = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection; what still waits ends with LiveError."""
        assert self._runner is not None
        self._runner.cancel()
        await asyncio.wait([self._runner])
        self._fail(LiveError("the client is closed"))

    async def watch(
        self, *topics: str, since: Mapping[str, int] | None = None
    ) -> AsyncGenerator[Message, None]:
        """What happens in `user:<id>` (alerts) and `journey:<id>` (positions, states), for ever.

        `since`: the last `seq` that was shown before this client was made, by topic. Without it a
        topic begins with all that the gateway keeps. A topic is watched once at a time. Raises
        RefusedError.
        """
        self._raise_failure()
        if twice := self._watches.keys() & set(topics):
            raise ValueError(f"watched already: {', '.join(sorted(twice))}")
        watch = Watch(topics, since or {})
        self._watches.update(dict.fromkeys(topics, watch))
        try:
            await self._subscribe(topics)
            while True:
                await watch.wait()
                while (message := watch.read()) is not None:
                    yield message
                await self._subscribe(watch.behind)
        finally:
            for topic in topics:
                del self._watches[topic]
                await self._send({"unsubscribe": topic})

    async def ack(self, seq: int) -> None:
        """The person has seen the alerts of their topic up to `seq`; the sender is shown that."""
        self._raise_failure()
        self._seen = max(self._seen, seq)
        await self._send({"ack": self._seen})

    async def send_points(self, journey_id: str, points: Iterable[Mapping[str, Any]]) -> Any:
        """Record positions, and return the answer of `record_points`.

        They are sent again on the next connection if this one ends before the answer: bound the
        wait with `asyncio.timeout`. Raises RefusedError, or LiveError where a later call may do.
        """
        self._raise_failure()
        number = next(self._numbers)
        call = {"journey_id": journey_id, "points": [dict(point) for point in points]}
        frame = {"points": call, "id": number}
        async with self._room:
            answer = asyncio.get_running_loop().create_future()
            self._calls[number] = frame, answer
            try:
                await self._send(frame)
                return await answer
            finally:
                del self._calls[number]

    async def _run(self) -> None:
        try:
            while True:
                await self._connect_once()
                wished, self._wished_pause = self._wished_pause, None
                await asyncio.sleep(pause(self._failures) if wished is None else wished)
                self._failures += 1
        except Exception as error:
            self._fail(error)

    async def _connect_once(self) -> None:
        """One connection, until it ends. Raises RefusedError where the next would end the same."""
        try:
            await self._connect()
        except RefusedError as refusal:
            if refusal.code != _UNAUTHORIZED or isinstance(self._token, str) or self._failures:
                raise
        except (OSError, InvalidHandshake, ConnectionClosed):
            pass  # the gateway is gone, busy or being stopped

    async def _connect(self) -> None:
        token = self._token if isinstance(self._token, str) else await self._token()
        try:
            async with connect(
                self._url,
                additional_headers={"Authorization": f"Bearer {token}"},
                compression=None,
                ping_interval=_PING_S,
                ping_timeout=_PING_S,
                close_timeout=_CLOSE_S,
            ) as connection:
                await self._serve(connection)
        except InvalidStatus as error:
            raise refusal_of_status(error.response.status_code) or error from error
        except ConnectionClosed as closed:
            if closed.rcvd is not None and closed.rcvd.code in REFUSALS:
                raise RefusedError(closed.rcvd.code, closed.rcvd.reason) from closed
            raise

    async def _serve(self, connection: ClientConnection) -> None:
        """Ask for everything that is waited for, then take what comes."""
        self._connection = connection
        try:
            await self._subscribe(tuple(self._watches))
            if self._seen:
                await self._send({"ack": self._seen})
            for frame, _ in tuple(self._calls.values()):
                await self._send(frame)
            while True:
                self._take(json.loads(await connection.recv()))
        finally:
            self._connection = None

    def _take(self, frame: Mapping[str, Any]) -> None:
        kind, topic = frame["type"], frame.get("topic")
        watch = self._watches.get(topic) if topic else None
        if kind not in ("hello", "error", "bye"):
            self._failures = 0
        if kind == "bye":
            self._wished_pause = frame["reconnect_after_ms"] / 1000
        elif kind == "answer":
            self._answer(frame)
        elif watch is None or topic is None:
            pass
        elif kind == "subscribed":
            watch.begin(topic)
        elif kind == "error":
            watch.fail(RefusedError(frame["code"], frame["message"]))
        elif read := READERS.get(kind):
            watch.take(read(frame))

    def _answer(self, frame: Mapping[str, Any]) -> None:
        _, answer = self._calls.get(frame["id"], (None, None))
        if answer is None or answer.done():
            return
        status, body = frame["status"], frame["body"]
        if status < 400:
            answer.set_result(body)
        elif status in BUSY:
            answer.set_exception(LiveError(f"busy, try again later: {body['message']}"))
        else:
            answer.set_exception(RefusedError(body["code"], body["message"]))

    async def _subscribe(self, topics: Iterable[str]) -> None:
        for topic in topics:
            if topic in self._watches:
                await self._send(self._watches[topic].ask(topic))

    async def _send(self, frame: Mapping[str, Any]) -> None:
        """Send, if there is a connection: the next one begins with all that is waited for."""
        if self._connection is not None:
            with contextlib.suppress(ConnectionClosed):
                await self._connection.send(json.dumps(frame))

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _fail(self, failure: Exception) -> None:
        if self._failure is None:
            self._failure = failure
        for watch in self._watches.values():
            watch.fail(self._failure)
        for _, answer in self._calls.values():
            if not answer.done():
                answer.set_exception(self._failure)


def pause(failures: int) -> float:
    """Seconds to wait before the next connection, drawn anew each time (full jitter)."""
    longest = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(failures, 10))
    return random.uniform(0, longest)  # noqa: S311
