"""Which server a call goes to.

Each server is asked twice a second what it is and where it is, so a failover needs no change of
settings. Reads go to the standbys that are not too far behind, and fall back to the primary;
writes go to the primary. Without one, those that may be sent again wait for a while, and all others
are refused with 503.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

import asyncpg

from api.consistency import History, Position
from api.errors import unavailable
from api.metrics import READS, REPLICA_WAITS, WRITE_WAITS
from api.outages import LATEST, PATIENCE, Outages
from api.server import STATES, ReadCancelledError, Report, Server, ServerGoneError
from api.watcher import UNREACHABLE
from common.settings import Settings

_LOOK_EVERY = 0.5  # seconds between two looks at a server
_LOOK_EVERY_IN_OUTAGE = 0.1
_CATALOGUE_TIMEOUT = 5.0
_LEAST_TIMEOUT = 1.0  # seconds that the next server has where the first took its time to die
_ON_PRIMARY, _ON_STANDBY = READS.labels("primary"), READS.labels("standby")

logger = logging.getLogger("saferoute.api")


class Servers:
    """All servers of the settings."""

    def __init__(self, settings: Settings, changed: Callable[[], None]) -> None:
        """Nothing is connected yet. `changed` is called when functions may have changed."""
        self._all = [
            Server(address, settings, self._arrange, changed) for address in settings.hosts
        ]
        self._max_lag_s = settings.max_read_lag_s
        self._history = History()
        self._primary: Server | None = None
        self._readers: list[Server] = []  # standbys that are near enough
        self._others: list[Server] = []  # standbys that are not
        self._turn = count()
        self._outages = Outages(settings.connections_per_process)
        self._primary_since = time.monotonic()
        self._watching: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Look at every server once, then go on watching."""
        await asyncio.gather(*(server.look() for server in self._all))
        self._arrange()
        self._watching = [asyncio.create_task(self._watch(server)) for server in self._all]

    async def close(self) -> None:
        """Stop watching and cut all connections."""
        for task in self._watching:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*self._watching)
        for server in self._all:
            server.close()

    def states(self) -> dict[str, int]:
        """How many servers are primary, standby, gone and full."""
        found = [server.state for server in self._all]
        return {state: found.count(state) for state in STATES}

    def reports(self) -> list[Report]:
        """What operators are told of each server."""
        return [server.report() for server in self._all]

    async def read(
        self,
        statement: str,
        arguments: Sequence[Any],
        timeout: float,
        *,
        after: Position | None = None,
        is_priority: bool = False,
    ) -> list[asyncpg.Record]:
        """Rows of a statement that writes nothing, on a standby where there is one.

        `after` is what a write has answered with: the statement sees that write. A call
        `is_priority` has connections that others never take. The statement is run again on
        another server where one goes away under it, and once where replay has cancelled it. Raises
        RequestError (503) where no server can run it, asyncpg.PostgresError where PostgreSQL
        refuses it. No transaction, no `set`: the connection goes to the next caller as it is.
        """
        until = time.monotonic() + timeout
        is_cancelled = False
        for server in self._anywhere() if after is None else await self._where_seen(after):
            # Another standby replays the same: only the primary cancels no read.
            if is_cancelled and self._primary not in (None, server):
                continue
            try:
                rows = await server.run(statement, arguments, timeout, is_priority)
            except ServerGoneError:
                timeout = max(until - time.monotonic(), _LEAST_TIMEOUT)
                continue
            except ReadCancelledError:
                if is_cancelled:
                    break
                is_cancelled = True
                continue
            (_ON_PRIMARY if server is self._primary else _ON_STANDBY).inc()
            return rows
        if is_cancelled:
            raise unavailable("The read was in the way of replication", "40001")
        raise unavailable("No database server answers")

    async def write(
        self,
        statement: str,
        arguments: Sequence[Any],
        timeout: float,
        *,
        is_priority: bool = False,
        is_repeatable: bool = False,
    ) -> list[asyncpg.Record]:
        """Rows of a statement that may write, on the primary; see `read`.

        What may be done twice `is_repeatable`: it waits up to PATIENCE seconds for a primary, and
        is run once more where it is not known to have happened. Any other is 503 at once, and may
        have happened.
        """
        began = time.monotonic()
        runs, ran_at = 0, began
        while True:
            primary = self._primary
            if primary is not None:
                try:
                    return await primary.run(statement, arguments, timeout, is_priority)
                except ServerGoneError:
                    runs += 1
                except asyncpg.ReadOnlySQLTransactionError:
                    primary.is_no_primary()
                ran_at = time.monotonic()
            if not is_repeatable or runs > 1:
                break
            has_ended = await self._outages.end(ran_at, began + PATIENCE, is_priority=is_priority)
            WRITE_WAITS.labels("ended" if has_ended else "given_up").inc()
            if not has_ended:
                break
            timeout = min(timeout, began + LATEST - time.monotonic())
        raise unavailable("No primary database server answers")

    def until(self, asked_at: float, seconds: float) -> float:
        """When a write that was asked for then has waited for so long: not counting the time
        without a primary, for which it waits as in `write`. On the monotonic clock.
        """
        if self._primary is None:
            return asked_at + PATIENCE
        return max(asked_at, self._primary_since) + seconds

    async def position(self) -> Position | None:
        """What is committed by now, for who has just written; none where the primary is lost.

        Reading it in the same statement would precede its own commit. Calls share the reading.
        """
        if self._primary is not None:
            with contextlib.suppress(*UNREACHABLE):
                return await self._primary.committed()
        return None

    async def fetch_all(self, *queries: tuple[Any, ...]) -> list[list[asyncpg.Record]]:
        """The rows of each query, from any server: the primary first, its catalogue is newest."""
        for server in sorted(self._all, key=lambda server: server.state != "primary"):
            if server.state in ("primary", "standby"):
                with contextlib.suppress(ServerGoneError):
                    return [
                        await server.run(text, arguments, _CATALOGUE_TIMEOUT, False)
                        for text, *arguments in queries
                    ]
        raise unavailable("No database server answers", "PGRST002")

    def _anywhere(self) -> Iterator[Server]:
        """Servers for a read that may be a little behind, the best first."""
        yield from self._in_turn()
        if self._primary is not None:
            yield self._primary
        # Better late than never.
        yield from list(self._others)

    async def _where_seen(self, position: Position) -> list[Server]:
        """Servers for a read that must see what was written up to there, the best first."""
        readers = self._in_turn()
        seen = [server for server in readers if server.position.covers(position)]
        if not seen and readers:
            has_reached = await readers[0].reaches(position)
            REPLICA_WAITS.labels("reached" if has_reached else "late").inc()
            seen = readers[:1] if has_reached else []
        primary = self._primary
        # One that has not got as far in timelines has been replaced, and does not know it yet.
        if primary is not None and primary.position.timeline >= position.timeline:
            seen.append(primary)
        return seen

    def _in_turn(self) -> list[Server]:
        """The standbys to read from, the least busy first, those that are alike in turn."""
        readers = self._readers
        if len(readers) < 2:
            return readers
        first = next(self._turn) % len(readers)
        return sorted(readers[first:] + readers[:first], key=lambda server: server.busy)

    async def _watch(self, server: Server) -> None:
        while True:
            await server.idle(_LOOK_EVERY_IN_OUTAGE if self._is_outage else _LOOK_EVERY)
            try:
                await server.look()
            except Exception as error:  # an end to watching would be an end to failover
                logger.error("%s while looking at %s", type(error).__name__, server)
            self._arrange()

    @property
    def _is_outage(self) -> bool:
        """Whether a new primary is looked for; not where others have all its connections."""
        return self._primary is None and all(server.state != "full" for server in self._all)

    def _arrange(self) -> None:
        """Decide anew who writes and who reads, by what the servers have told."""
        primaries = [server for server in self._all if server.state == "primary"]
        # Two are possible while one that was replaced does not know it: the newer counts.
        primary = max(primaries, key=lambda server: server.position.timeline, default=None)
        had_primary, self._primary = self._primary is not None, primary
        if primary is not None:
            self._history.add(primary.seen_at, primary.position)
            if not had_primary:
                self._primary_since = time.monotonic()
            self._outages.wake(primary.seen_at)
        elif had_primary:
            for server in self._all:
                server.nudge()
        self._readers, self._others = [], []
        for server in self._all:
            was_reader, server.reads = server.reads, False
            if server.state != "standby":
                continue
            server.lag_s = self._history.lag(server.seen_at, server.position)
            # Without a primary nobody gets ahead of anybody.
            server.reads = primary is None or server.lag_s <= self._max_lag_s
            (self._readers if server.reads else self._others).append(server)
            if was_reader and not server.reads:
                logger.warning("%s is %.1f s behind: no reads go there", server, server.lag_s)
