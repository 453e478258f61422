"""The one connection to a server that runs no calls.

It tells where the server is, hears when functions change, and holds this process's place at the
server: an advisory lock, of which there are as many as processes may share the connections.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import asyncpg

from api.consistency import Position
from api.logins import CONNECT_TIMEOUT

CHANNEL = "saferoute_catalogue"
"""A notification on this channel says that functions have changed."""
UNREACHABLE = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresError,
)
"""What asking a server that is away or not ready raises; TimeoutError is an OSError.

InternalClientError: the server has ended the session, and by TLS the connection is not closed yet.
"""
_SILENCE = {True: 1.0, False: 2.0}
"""Seconds that a standby, and a primary, may leave a look without an answer: reads go elsewhere, a
write cannot.
"""
_ASK_TIMEOUT = 0.5
_REPLAY_WAIT = 0.05  # seconds that a standby gets to reach a position
_REPLAY_APART = 0.003  # seconds between two questions meanwhile
_PLACES = 0x5AFE0001  # first key of the advisory locks
_TAKE_PLACE = """
select n from generate_series(1, $2) as n where pg_try_advisory_lock($1, n) limit 1
"""
_LOOK = "select is_standby, timeline, lsn from ops.wal_position()"
# The timeline is another one only after a promotion, and reading it takes longer.
_ASK = """
select
    pg_is_in_recovery() as is_standby,
    case
        when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_flush_lsn()
    end as lsn
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a server has told of itself."""

    is_standby: bool
    position: Position


class Watcher:
    """The connection, opened anew whenever it has been lost."""

    def __init__(
        self,
        where: dict[str, Any],
        processes: int,
        lost: Callable[[], None],
        changed: Callable[[], None],
    ) -> None:
        """`lost` is called when the connection ends, `changed` when functions have changed."""
        self._where = where
        self._processes = processes
        self._lost = lost
        self._changed = changed
        self._connection: asyncpg.Connection | None = None
        self._seen: Seen | None = None
        self._turn = asyncio.Lock()
        self._waiting: list[asyncio.Future[Position]] = []
        self._is_asking = False
        self._listens = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._replaying: list[tuple[Position, float, asyncio.Future[bool]]] = []
        self.place: int | None = None
        """Which of the places at this server is ours; none while all are taken."""

    async def look(self) -> Seen:
        """Where the server is, connecting if need be. Raises one of UNREACHABLE."""
        before = self._seen
        patience = CONNECT_TIMEOUT if before is None else _SILENCE[before.is_standby]
        async with asyncio.timeout(patience), self._turn:
            connection = self._connection
            if connection is None or connection.is_closed():
                self.place, self._listens = None, False
                connection = self._connection = await asyncpg.connect(**self._where)
                connection.add_termination_listener(self._ended)
            if self.place is None:
                self.place = await connection.fetchval(_TAKE_PLACE, _PLACES, self._processes)
            seen = await self._tell(connection)
            if not seen.is_standby and not self._listens:  # a standby cannot
                await connection.add_listener(CHANNEL, self._notified)
                self._listens = True
            return seen

    def cut(self) -> None:
        """End the connection, and with it the hold on the place."""
        connection, self._connection = self._connection, None
        self._seen = self.place = None
        if connection is not None:
            connection.terminate()

    async def position(self) -> Position:
        """Where the server is, read after this call has begun. Raises one of UNREACHABLE.

        Calls that come while one is reading share the next reading.
        """
        shared: asyncio.Future[Position] = asyncio.get_running_loop().create_future()
        self._waiting.append(shared)
        if not self._is_asking:
            self._is_asking = True
            # A task, so that all whose commits were flushed together share one reading.
            self._start(self._ask_for_all())
        return await shared

    async def _ask_for_all(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            try:
                async with self._turn:
                    position = await self._read()
            except UNREACHABLE as error:
                for shared in _not_given_up(waiting):
                    shared.set_exception(error)
            else:
                for shared in _not_given_up(waiting):
                    shared.set_result(position)
        self._is_asking = False

    async def reaches(self, position: Position) -> bool:
        """Whether the standby replays up to there in the time that a read can wait for it."""
        loop = asyncio.get_running_loop()
        reached: asyncio.Future[bool] = loop.create_future()
        self._replaying.append((position, loop.time() + _REPLAY_WAIT, reached))
        if len(self._replaying) == 1:
            self._start(self._follow_replay())
        return await reached

    async def _follow_replay(self) -> None:
        """Ask where the standby is for as long as anybody waits for it, one for all."""
        loop = asyncio.get_running_loop()
        while self._replaying:
            try:
                replayed = await self.position()
            except UNREACHABLE:
                replayed = Position(0, 0)
            waiting, self._replaying = self._replaying, []
            for entry in waiting:
                position, deadline, reached = entry
                is_reached = replayed.covers(position)
                if not is_reached and replayed.timeline and loop.time() < deadline:
                    self._replaying.append(entry)
                elif not reached.done():
                    reached.set_result(is_reached)
            if self._replaying:
                await asyncio.sleep(_REPLAY_APART)

    async def _read(self) -> Position:
        connection, before = self._connection, self._seen
        if connection is None or before is None or connection.is_closed():
            raise asyncpg.InterfaceError("not connected")
        row = await connection.fetchrow(_ASK, timeout=_ASK_TIMEOUT)
        if row["is_standby"] != before.is_standby:  # promoted: the timeline is another one
            async with asyncio.timeout(_ASK_TIMEOUT):
                return (await self._tell(connection)).position
        return Position(before.position.timeline, row["lsn"])

    async def _tell(self, connection: asyncpg.Connection) -> Seen:
        row = await connection.fetchrow(_LOOK)
        self._seen = Seen(row["is_standby"], Position(row["timeline"], row["lsn"]))
        return self._seen

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _ended(self, connection: asyncpg.Connection) -> None:
        if connection is self._connection:
            self.cut()
            self._lost()

    def _notified(self, *_notification: object) -> None:
        self._changed()


def _not_given_up(waiting: "list[asyncio.Future[Position]]") -> "list[asyncio.Future[Position]]":
    return [shared for shared in waiting if not shared.done()]
