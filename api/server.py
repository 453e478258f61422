"""One PostgreSQL server: the connections of this process to it, and what is known of its state."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import asyncpg

from api import logins
from api.consistency import Position
from api.errors import unavailable
from api.lanes import Lanes
from api.watcher import UNREACHABLE, Watcher
from common import tls
from common.settings import Settings

_LOST = (  # the connection went away under the statement
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.DatabaseDroppedError,
)
# On a standby: replay needed what the statement was reading.
_CONFLICT = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SnapshotTooOldError,
)
_SYNC_WAIT = "SyncRepWaitForLSN"
"""The function of PostgreSQL that warns when a commit no longer waits for the standbys."""
_SETTLE_TIMEOUT = 1.0  # seconds that a cancelled statement has to end
_LIFETIME = 1800.0  # seconds after which a connection is replaced once it is idle

logger = logging.getLogger("saferoute.api")

State = Literal["primary", "standby", "gone", "full"]
"""`full`: it answers, but as many processes as may share it have connections."""
STATES: tuple[State, ...] = get_args(State)


class ServerGoneError(Exception):
    """The server cannot be used now; nothing is known of what became of the statement."""


class NotOnStandbysError(ServerGoneError):
    """It is done, and a failover may undo it: the wait for the standbys was cut short."""


class ReadCancelledError(Exception):
    """Replay has cancelled the statement."""


@dataclass(frozen=True, slots=True)
class Report:
    """What operators are told of a server."""

    server: str
    state: State
    position: str | None
    lag_s: float
    """Seconds behind the primary."""
    reads: bool
    """Whether reads go there: it is not too far behind."""
    place: int | None
    """Which of the `api_processes` places is this process's."""
    size: int
    """Connections that this process may have, besides the one that watches."""
    open: int
    busy: int
    waiting: int
    """Calls that wait for a connection."""


class Server:
    """One PostgreSQL server."""

    def __init__(
        self,
        address: tuple[str, int],
        settings: Settings,
        moved: Callable[[], None],
        changed: Callable[[], None],
    ) -> None:
        """Nothing is connected yet.

        `moved` is called when its state has changed, `changed` when functions may have.
        """
        self._host, self._port = address
        where = logins.direct(settings, address)
        self._is_pooled = settings.pooler_port is not None
        self._where = [
            logins.for_calls(settings, address, is_priority=first) for first in (False, True)
        ]
        self._size = settings.connections_per_process
        self._processes = settings.api_processes
        self._moved = moved
        self._changed = changed
        self._lanes = Lanes(self._size)
        idle: list[asyncpg.Connection] = []  # the last used last
        self._idle = (idle, [] if self._is_pooled else idle)  # of calls, and of those that go first
        self._opened: dict[asyncpg.Connection, float] = {}
        self._settling: set[asyncio.Task[None]] = set()
        self._not_on_standbys: set[asyncpg.Connection] = set()  # their last commit is not
        self._watcher = Watcher(where, settings.api_processes, self._is_gone, changed)
        self._nudged = asyncio.Event()
        self._refusal: str | None = None
        self.busy = 0
        """Calls that have a connection or wait for one."""
        self.state: State = "gone"
        self.position = Position(0, 0)
        """Flushed on a primary, replayed on a standby: at least so far."""
        self.seen_at = 0.0
        self.lag_s = 0.0
        self.reads = False
        """Whether it is a standby that is not too far behind."""

    def __str__(self) -> str:
        """Where it is."""
        return f"{self._host}:{self._port}"

    def report(self) -> Report:
        """What operators are told."""
        position = str(self.position) if self.state in ("primary", "standby") else None
        waiting = self._lanes.waiting
        return Report(
            server=str(self),
            state=self.state,
            position=position,
            lag_s=round(self.lag_s, 3),
            reads=self.reads,
            place=self._watcher.place,
            size=self._size,
            open=len(self._opened),
            busy=self.busy - waiting,
            waiting=waiting,
        )

    async def look(self) -> None:
        """Find out where the server is and whether it may be used."""
        before = self.state
        try:
            seen = await self._watcher.look()
        except UNREACHABLE as error:
            self._watcher.cut()
            self._is_gone()
            # A write that is given up may be 503: a primary is asked once more.
            if isinstance(error, TimeoutError) and before != "primary":
                self._give_up_calls()
            self._note_refusal(error)
            return
        self._refusal = None
        self.position, self.seen_at = seen.position, time.monotonic()
        if self._watcher.place is None:
            if before != "full":
                logger.warning(
                    "%s is not used: %d other processes have all connections that they may share "
                    "(SAFEROUTE_API_PROCESSES)",
                    *(self, self._processes),
                )
                self._is_gone("full")
            self._watcher.cut()  # who only asks has no connection in between
            return
        self.state = "standby" if seen.is_standby else "primary"
        if before != self.state:
            self._changed()
        await self._replace_the_oldest()

    def _note_refusal(self, error: BaseException) -> None:
        """Log once what keeps us out until somebody sees to it."""
        refusal = tls.refusal(error)
        if refusal is None and isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
            refusal = f"lets nobody in: {error}"
        if refusal is not None and refusal != self._refusal:
            logger.warning("%s is not used: %s", self, refusal)
            self._refusal = refusal

    async def idle(self, seconds: float) -> None:
        """Wait until the next look is due: so long, or until something has happened."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._nudged.wait()
        self._nudged.clear()

    def nudge(self) -> None:
        """Look at once."""
        self._nudged.set()

    def close(self) -> None:
        """Cut all connections."""
        self._watcher.cut()
        self._is_gone()
        for connection in list(self._opened):
            self._drop(connection)

    async def committed(self) -> Position:
        """All that is committed by now, on the primary. Raises one of UNREACHABLE."""
        return await self._watcher.position()

    async def reaches(self, position: Position) -> bool:
        """Whether the standby has replayed so far, or does so in a moment."""
        if self.position.covers(position):
            return True
        if self.position.timeline < position.timeline or not await self._watcher.reaches(position):
            return False
        if self.state == "standby" and position.lsn > self.position.lsn:
            self.position = Position(self.position.timeline, position.lsn)
        return True

    async def run(
        self, statement: str, arguments: Sequence[Any], timeout: float, is_priority: bool
    ) -> list[asyncpg.Record]:
        """The rows of a statement, prepared on the connection when it is first used there.

        Raises ServerGoneError where the server cannot be used, RequestError where it is too busy.
        """
        self.busy += 1
        try:
            if not self._lanes.enter(is_priority):
                await self._lanes.wait(is_priority)
            connection = self._idle_one(is_priority) or await self._new_one(is_priority)
            return await self._fetch(connection, statement, arguments, timeout, is_priority)
        finally:
            self.busy -= 1

    def _idle_one(self, is_priority: bool) -> asyncpg.Connection | None:
        """A connection that is open and free, if there is one.

        They are ours: asyncpg's pool makes a task, a timer and a proxy for each call.
        """
        idle = self._idle[is_priority]
        while idle:
            connection = idle.pop()
            if not connection.is_closed():
                return connection
            self._drop(connection)
        return None

    async def _new_one(self, is_priority: bool) -> asyncpg.Connection:
        try:
            connection = await asyncpg.connect(**self._where[is_priority])
        except UNREACHABLE as error:
            self._lanes.leave(is_priority)
            self._nudged.set()
            if isinstance(error, OSError):
                self._is_gone()
            raise ServerGoneError from error
        except asyncio.CancelledError:
            self._lanes.leave(is_priority)
            raise
        connection.add_log_listener(self._heard)
        self._opened[connection] = time.monotonic()
        return connection

    async def _fetch(
        self,
        connection: asyncpg.Connection,
        statement: str,
        arguments: Sequence[Any],
        timeout: float,
        is_priority: bool,
    ) -> list[asyncpg.Record]:
        has_ended = True
        try:
            rows: list[asyncpg.Record] = await connection.fetch(
                statement, *arguments, timeout=timeout
            )
        except TimeoutError:
            has_ended = False
            raise unavailable("The call took too long", "57014") from None
        except asyncio.CancelledError:
            has_ended = False
            raise
        except asyncpg.InternalClientError as error:  # ended by the server, and not closed yet
            connection.terminate()
            self._nudged.set()
            raise ServerGoneError from error
        except _LOST as error:
            if isinstance(error, asyncpg.PostgresError) and not connection.is_closed():
                raise  # the function's own, nothing is lost
            self._nudged.set()
            raise ServerGoneError from error
        except _CONFLICT as error:
            if self.state == "standby":
                raise ReadCancelledError from error
            raise
        else:
            # asyncpg tells of a warning before the statement has ended. Looked at before the
            # connection is given back: where the server is gone by now, that forgets the warning.
            if self._not_on_standbys and connection in self._not_on_standbys:
                self._not_on_standbys.remove(connection)
                self._nudged.set()
                raise NotOnStandbysError
        finally:
            if has_ended:
                self._give_back(connection, is_priority)
            else:
                self._settle(connection, is_priority)
        # PostgreSQL tells it with the first answer after the promotion; a pooler does not.
        if (
            self.state == "standby"
            and not self._is_pooled
            and connection.get_settings().in_hot_standby == "off"
        ):
            self._is_promoted()
        return rows

    def _give_back(self, connection: asyncpg.Connection, is_priority: bool) -> None:
        if connection.is_closed() or self.state in ("gone", "full"):
            self._drop(connection)
        else:
            self._idle[is_priority].append(connection)
        self._lanes.leave(is_priority)

    def _settle(self, connection: asyncpg.Connection, is_priority: bool) -> None:
        """Give the connection back once its cancelled statement has ended, else drop it."""

        async def settle() -> None:
            try:
                await connection.fetchval("select 1", timeout=_SETTLE_TIMEOUT)
            except UNREACHABLE:
                connection.terminate()
            finally:
                self._not_on_standbys.discard(connection)
                self._give_back(connection, is_priority)

        task = asyncio.create_task(settle())
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)

    def _heard(self, connection: Any, warning: asyncpg.PostgresLogMessage) -> None:
        if warning.server_source_function == _SYNC_WAIT:
            self._not_on_standbys.add(connection)

    def _give_up_calls(self) -> None:
        """End what the server was asked and does not answer: paused, or cut off without a word."""
        for connection in self._opened:
            connection.terminate()

    def _drop(self, connection: asyncpg.Connection) -> None:
        self._opened.pop(connection, None)
        self._not_on_standbys.discard(connection)
        connection.terminate()

    async def _replace_the_oldest(self) -> None:
        """Close the connection that was longest idle, if it is old.

        What a backend knows of partitions and plans grows with all that it has met.
        """
        for idle in self._idle:
            if idle and time.monotonic() - self._opened[idle[0]] > _LIFETIME:
                connection = idle.pop(0)
                with contextlib.suppress(*UNREACHABLE):
                    await connection.close(timeout=_SETTLE_TIMEOUT)
                self._drop(connection)

    def _is_gone(self, state: Literal["gone", "full"] = "gone") -> None:
        """Stop using the server: idle connections end now, others with their call."""
        if self.state != state:
            self.state, self.lag_s = state, 0.0
            self._nudged.set()
            self._lanes.turn_away(ServerGoneError())
            for idle in self._idle:
                while idle:
                    self._drop(idle.pop())
            self._moved()

    def _is_promoted(self) -> None:
        """It is no replica any more: what it says of replay stands still from now on."""
        self.state = "primary"
        self._nudged.set()
        self._moved()

    def is_no_primary(self) -> None:
        """It has refused to write: the next look finds out what it is."""
        self._is_gone()
