"""Sharded pub/sub of Redis Cluster: one connection to each master that has channels of ours.

Stock subscribers of redis-py lost 600 to 890 of 1,040 messages after a master was killed, and never
found its replica. Here every channel has a place that is looked at four times a second: where its
connection has ended or is silent, the cluster has moved it, or the answer has not come, it is asked
for anew, where the topology of `common.redis` says it is. What was published meanwhile is lost:
`heard` is told of every channel that is listened to (again).
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any, cast

import hiredis
from redis.asyncio.cluster import ClusterNode

from api.live.metrics import UNHEARD
from common.redis import Redis

_LOOK_S = 0.25
_ANSWER_S = 1.0
"""Seconds in which an answer must come: to a subscription, and to the ping of every look."""

logger = logging.getLogger("saferoute.live")


class Subscriber:
    """The channels that this process listens to."""

    def __init__(
        self, redis: Redis, told: Callable[[bytes, bytes], None], heard: Callable[[bytes], None]
    ) -> None:
        """`told` gets channel and message, `heard` a channel that is listened to from now on."""
        self._redis = redis
        self._told = told
        self._heard = heard
        self._readers: dict[str, _Reader] = {}
        self._places: dict[bytes, _Reader | None] = {}
        self._loose: dict[bytes, float] = {}  # not confirmed yet, and when it was asked for
        self._topology = -1
        self._looking: asyncio.Task[None] | None = None
        self._opening: dict[str, asyncio.Task[None]] = {}
        UNHEARD.set_function(lambda: len(self._loose))

    def open(self) -> None:
        """Begin to look after the channels."""
        self._looking = asyncio.create_task(self._look())

    async def close(self) -> None:
        """Cut all connections."""
        tasks = [*self._opening.values(), *([self._looking] if self._looking else [])]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for reader in self._readers.values():
            reader.close()

    def listen(self, channel: bytes) -> None:
        """Listen to the channel."""
        self._places[channel] = None
        self._loose[channel] = 0.0
        self._ask_for(channel)

    def leave(self, channel: bytes) -> None:
        """Listen to it no more."""
        reader = self._places.pop(channel, None)
        self._loose.pop(channel, None)
        if reader is not None:
            reader.send(b"SUNSUBSCRIBE", channel)

    def _ask_for(self, channel: bytes) -> None:
        """Ask whoever has the channel, if they are connected; else connect."""
        node = self._redis.master(channel)
        if node is None:
            self._redis.look_again()
            return
        reader = self._readers.get(node.name)
        if reader is None:
            if node.name not in self._opening:
                self._open(node)
            return
        self._loose[channel] = asyncio.get_running_loop().time()
        self._places[channel] = reader
        reader.send(b"SSUBSCRIBE", channel)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            try:
                self._look_at_readers()
                self._look_at_channels()
            except Exception:  # must not end: nobody else repairs
                logger.exception("looking after the channels failed")

    def _look_at_readers(self) -> None:
        for name, reader in list(self._readers.items()):
            if reader.is_closed or reader.is_silent():
                reader.close()
                del self._readers[name]
                self._redis.look_again()
                for channel, place in self._places.items():
                    if place is reader:
                        self._places[channel] = None
                        self._loose[channel] = 0.0
            else:
                reader.ping()

    def _look_at_channels(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._topology != self._redis.topology:
            self._topology = self._redis.topology
            for channel, reader in self._places.items():
                node = self._redis.master(channel)
                if reader is not None and node is not None and node.name != reader.name:
                    reader.send(b"SUNSUBSCRIBE", channel)
                    self._places[channel] = None
                    self._loose[channel] = 0.0
        for channel, asked_at in list(self._loose.items()):
            if now - asked_at > _ANSWER_S:
                self._ask_for(channel)

    def _open(self, node: ClusterNode) -> None:
        task = asyncio.create_task(self._connect(node))
        self._opening[node.name] = task
        task.add_done_callback(lambda _: self._opening.pop(node.name))

    async def _connect(self, node: ClusterNode) -> None:
        with contextlib.suppress(OSError):
            async with asyncio.timeout(self._redis.connect_timeout):
                loop = asyncio.get_running_loop()
                _, reader = await loop.create_connection(
                    lambda: _Reader(node.name, self._push),
                    *(node.host, int(node.port)),
                    ssl=self._redis.tls,
                )
            password = node.connection_kwargs.get("password")
            if password is not None:
                reader.send(b"AUTH", password)
            self._readers[node.name] = reader
            for channel in list(self._loose):
                at = self._redis.master(channel)
                if at is not None and at.name == node.name:
                    self._ask_for(channel)

    def _push(self, reader: "_Reader", found: Any) -> None:
        """What a node says."""
        if not isinstance(found, list):
            if isinstance(found, hiredis.ReplyError):
                # MOVED, most likely: asked for again once the topology is known.
                self._redis.look_again()
            return
        kind, channel, what = found if len(found) == 3 else (*found, None)
        if kind == b"smessage":
            self._told(channel, what)
            return
        if self._places.get(channel) is not reader:
            return
        if kind == b"ssubscribe":
            if self._loose.pop(channel, None) is not None:
                self._heard(channel)
        elif kind == b"sunsubscribe":  # the slot has moved to another node
            self._places[channel] = None
            self._loose[channel] = 0.0
            self._redis.look_again()


class _Reader(asyncio.Protocol):
    """A connection that only listens."""

    def __init__(self, name: str, push: Callable[["_Reader", Any], None]) -> None:
        self.name = name
        self.is_closed = False
        self._push = push
        self._parser = hiredis.Reader()
        self._loop = asyncio.get_running_loop()
        self._pinged_at: float | None = None
        self._is_suspected = False
        self._transport: asyncio.Transport

    def send(self, *command: Any) -> None:
        """Say something; what is answered goes to `push`."""
        if not self.is_closed:
            self._transport.write(hiredis.pack_command(command))

    def ping(self) -> None:
        """Ask for a sign of life."""
        if self._pinged_at is None:
            self._pinged_at = self._loop.time()
            self.send(b"PING")

    def is_silent(self) -> bool:
        """Whether nothing has come since a ping long ago.

        Not at the first look: what came while this process was busy is read before the next.
        """
        is_late = self._pinged_at is not None and self._loop.time() - self._pinged_at > _ANSWER_S
        is_silent, self._is_suspected = is_late and self._is_suspected, is_late
        return is_silent

    def close(self) -> None:
        """Cut the connection."""
        self.is_closed = True
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._pinged_at = None
        self._parser.feed(data)
        while (found := self._parser.gets()) is not False:
            self._push(self, found)

    def connection_lost(self, error: Exception | None) -> None:
        self.is_closed = True
