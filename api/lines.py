"""One connection to each Redis master, which all checks of a process share.

redis-py takes a connection for each command, writes, and waits for the answer. A limit is checked
in every request, so here what is asked in one turn of the event loop is written at once, and
answers come back in order. With 16 requests in flight a check costs 30 us of CPU instead of 116,
and waits for less than one command of redis-py (0.6 of a GET, before 2.1).

`common.redis` stays in charge: it knows the masters, and what cannot be asked here (no connection
yet, another master now, a script that is not there) is asked through it.
"""

import asyncio
import contextlib
from collections import deque
from typing import Any, cast

import hiredis
from redis.asyncio.cluster import ClusterNode
from redis.exceptions import RedisError

from common.redis import BUDGET_S, Redis, RedisGoneError

_GRACE_S = 0.01  # of the budget: what came meanwhile is read first, where the loop was late


class Lines:
    """To every master that has been asked."""

    def __init__(self, redis: Redis) -> None:
        """Nothing is connected before it is needed."""
        self._redis = redis
        self._lines: dict[str, _Line] = {}
        self._openings: dict[str, asyncio.Task[None]] = {}

    async def ask(self, key: str, *command: str | float) -> Any:
        """What the master that holds the key answers; RedisGoneError after 50 ms."""
        line = self._line(key)
        if line is not None:
            answer = await line.ask(command)
            if not isinstance(answer, hiredis.ReplyError):
                return answer
        return await self._redis.execute_command(*command)

    def send(self, key: str, command: tuple[Any, ...]) -> "asyncio.Future[Any] | None":
        """The answer to come, which may be an error; none where there is no connection yet.

        For what nobody waits for: it costs no task. RedisGoneError is what it fails with.
        """
        line = self._line(key)
        return None if line is None else line.ask(command)

    async def close(self) -> None:
        """Cut all connections."""
        for opening in list(self._openings.values()):
            opening.cancel()
            await asyncio.wait([opening])
        for line in self._lines.values():
            line.close()

    def _line(self, key: str) -> "_Line | None":
        """To the master that holds the key; where there is none yet, it is being connected."""
        nodes = self._redis.nodes_manager.slots_cache.get(self._redis.keyslot(key))
        if not nodes:
            return None
        line = self._lines.get(nodes[0].name)
        if line is not None and not line.is_closed:
            return line
        if nodes[0].name not in self._openings:
            self._open(nodes[0])
        return None

    def _open(self, node: ClusterNode) -> None:
        task = asyncio.create_task(self._connect(node))
        self._openings[node.name] = task
        task.add_done_callback(lambda _: self._openings.pop(node.name))

    async def _connect(self, node: ClusterNode) -> None:
        # Where it fails, common.redis tells of it, and a later request tries again.
        with contextlib.suppress(OSError, RedisError, RedisGoneError):
            async with asyncio.timeout(self._redis.connect_timeout):
                loop = asyncio.get_running_loop()
                _, line = await loop.create_connection(
                    _Line, node.host, int(node.port), ssl=self._redis.tls
                )
                password = node.connection_kwargs.get("password")
                if password is None or await line.ask(("AUTH", password)) == b"OK":
                    self._lines[node.name] = line
                else:
                    line.close()


class _Line(asyncio.Protocol):
    """Commands go out in the order they are asked, and so do the answers come in."""

    def __init__(self) -> None:
        self.is_closed = False
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader()
        self._unsent: list[bytes] = []
        self._waiting: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport

    def ask(self, command: tuple[Any, ...]) -> asyncio.Future[Any]:
        """The answer, which may be an error."""
        if not self._unsent:
            self._loop.call_soon(self._send)
        self._unsent.append(hiredis.pack_command(command))
        answer = self._loop.create_future()
        self._waiting.append((self._loop.time(), answer))
        if self._timer is None:
            self._timer = self._loop.call_later(BUDGET_S - _GRACE_S, self._look)
        return answer

    def close(self) -> None:
        """Cut the connection; what was asked is not answered."""
        self.is_closed = True
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (found := self._reader.gets()) is not False:
            _, answer = self._waiting.popleft()
            if not answer.done():  # its request may have been cancelled
                answer.set_result(found)

    def connection_lost(self, error: Exception | None) -> None:
        self.is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        for _, answer in self._waiting:
            if not answer.done():
                answer.set_exception(RedisGoneError("has cut the connection"))

    def _send(self) -> None:
        unsent, self._unsent = self._unsent, []
        if not self.is_closed:
            self._transport.write(b"".join(unsent))

    def _look(self) -> None:
        """Once every 40 ms while there is anything to wait for: a timer for each cost 1.4 us."""
        self._timer = None
        if self._waiting:
            asked, oldest = self._waiting[0]
            left = asked + BUDGET_S - _GRACE_S - self._loop.time()
            if left > 0:
                self._timer = self._loop.call_later(left, self._look)
            else:
                self._timer = self._loop.call_later(_GRACE_S, self._end_if_silent, oldest)

    def _end_if_silent(self, oldest: asyncio.Future[Any]) -> None:
        if self._waiting and self._waiting[0][1] is oldest:
            self.close()
        else:
            self._look()
