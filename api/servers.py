"""The PostgreSQL servers: a pool of connections to each, and which of them is the primary.

Which server is the primary is asked of the servers once a second, so a failover needs no change
of settings. Reads go to the standbys in turn and fall back to the primary; writes go to the
primary or are refused with 503.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any, Literal

import asyncpg

from api.errors import unavailable
from common.settings import Settings

CHANNEL = "saferoute_catalogue"
"""A notification on this channel says that functions have changed."""
APPLICATION = "saferoute_api"
"""What our sessions are called in pg_stat_activity and in the server's log."""
_LOOK_EVERY = 1.0  # seconds between two looks at a server
_CONNECT_TIMEOUT = 2.0
_ACQUIRE_TIMEOUT = 2.0  # seconds a request waits for a free connection before it is 503
_RELEASE_TIMEOUT = 1.0
_LOST = (  # the connection went away under the statement
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)
_UNREACHABLE = (OSError, asyncpg.InterfaceError, asyncpg.PostgresError)


class ServerGoneError(Exception):
    """The server cannot be used now; nothing is known of what became of the statement."""


class Server:
    """One PostgreSQL server."""

    def __init__(
        self, host: str, port: int, settings: Settings, changed: Callable[[], None]
    ) -> None:
        """Nothing is connected yet. `changed` is called when functions may have changed."""
        password = settings.authenticator_password
        self._where: dict[str, Any] = {
            "host": host,
            "port": port,
            "user": "authenticator",
            "password": password.get_secret_value() if password else None,
            "database": settings.database,
            "timeout": _CONNECT_TIMEOUT,
            # Names of types are then always qualified, whatever a schema may hold.
            "server_settings": {"application_name": APPLICATION, "search_path": "pg_catalog"},
        }
        self._pool_size = settings.api_pool_size
        self._changed = changed
        self._busy = 0  # calls that have a connection or wait for one
        self._pool: asyncpg.Pool
        self._watcher: asyncpg.Connection | None = None
        self.state: Literal["primary", "standby", "gone"] = "gone"

    async def open(self) -> None:
        """Make the pool; connections are opened when they are first needed."""
        self._pool = await asyncpg.create_pool(
            **self._where,
            min_size=0,
            max_size=self._pool_size,
            # All that a call sets ends with its transaction: resetting cost 19 % of throughput.
            reset=_no_reset,
        )

    def close(self) -> None:
        """Cut all connections."""
        self._pool.terminate()
        if self._watcher is not None:
            self._watcher.terminate()

    async def look(self) -> None:
        """Find out whether the server answers and whether it is the primary."""
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT):
                watcher, before = self._watcher, self.state
                if watcher is None or watcher.is_closed():
                    watcher = self._watcher = await asyncpg.connect(**self._where)
                    before = "gone"
                recovers = await watcher.fetchval("select pg_is_in_recovery()")
                self.state = "standby" if recovers else "primary"
                if before != self.state:
                    if not recovers:  # a standby cannot listen
                        await watcher.add_listener(CHANNEL, self._notified)
                    self._changed()
        except _UNREACHABLE:
            self.state = "gone"
            if self._watcher is not None:
                self._watcher.terminate()
                self._watcher = None

    def _notified(self, *_notification: object) -> None:
        self._changed()

    async def run(
        self, statement: str, arguments: Sequence[Any], timeout: float
    ) -> list[asyncpg.Record]:
        """The rows of a statement, prepared on the connection when it is first used there.

        Raises ServerGoneError where the server cannot be used, RequestError where it is too busy.
        """
        self._busy += 1
        try:
            return await self._run(await self._acquire(), statement, arguments, timeout)
        finally:
            self._busy -= 1

    async def _acquire(self) -> Any:
        # A timer for each request costs 5 % of its CPU: none where a connection is free.
        timeout = None if self._busy <= self._pool_size else _ACQUIRE_TIMEOUT
        try:
            return await self._pool.acquire(timeout=timeout)
        except TimeoutError:
            raise unavailable("No connection to the database became free", "PGRST003") from None
        except _UNREACHABLE as error:
            self.state = "gone"
            raise ServerGoneError from error

    async def _run(
        self, connection: Any, statement: str, arguments: Sequence[Any], timeout: float
    ) -> list[asyncpg.Record]:
        release_timeout = None
        try:
            rows: list[asyncpg.Record] = await connection.fetch(
                statement, *arguments, timeout=timeout
            )
            return rows
        except TimeoutError:
            # Where the server has stopped answering, the cancelled call does not end either.
            release_timeout = _RELEASE_TIMEOUT
            raise unavailable("The call took too long", "57014") from None
        except _LOST as error:
            if isinstance(error, asyncpg.PostgresError) and not connection.is_closed():
                raise  # the function's own, nothing is lost
            raise ServerGoneError from error
        except asyncpg.SerializationError as error:
            if self.state == "standby":  # replay needed what the statement was reading
                raise ServerGoneError from error
            raise
        finally:
            with contextlib.suppress(TimeoutError):
                await self._pool.release(connection, timeout=release_timeout)

    async def fetch_all(self, queries: Sequence[tuple[Any, ...]]) -> list[list[asyncpg.Record]]:
        """The rows of each query, each given as its text and its arguments."""
        try:
            async with self._pool.acquire(timeout=_ACQUIRE_TIMEOUT) as connection:
                return [await connection.fetch(*query, timeout=5) for query in queries]
        except _LOST as error:  # among them TimeoutError
            raise ServerGoneError from error


class Servers:
    """All servers of the settings."""

    def __init__(self, settings: Settings, changed: Callable[[], None]) -> None:
        """Nothing is connected yet. `changed` is called when functions may have changed."""
        self._all = [Server(host, port, settings, changed) for host, port in settings.hosts]
        self._turn = count()
        self._watching: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Look at every server once, then go on watching."""
        await asyncio.gather(*(server.open() for server in self._all))
        await asyncio.gather(*(server.look() for server in self._all))
        self._watching = [asyncio.create_task(_watch(server)) for server in self._all]

    async def close(self) -> None:
        """Stop watching and cut all connections."""
        for task in self._watching:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*self._watching)
        for server in self._all:
            server.close()

    def states(self) -> dict[str, int]:
        """How many servers are primary, standby and gone."""
        found = [server.state for server in self._all]
        return {state: found.count(state) for state in ("primary", "standby", "gone")}

    async def read(
        self,
        statement: str,
        arguments: Sequence[Any],
        timeout: float,
        *,
        after: str | None = None,
        is_priority: bool = False,
    ) -> list[asyncpg.Record]:
        """Rows of a statement that writes nothing, on a standby where there is one.

        `after` is the X-Consistency-Token of a write that the statement must see. A call
        `is_priority` has connections that others never take. The statement is run again on
        another server where one goes away under it. Raises RequestError (503) where no server
        can run it, asyncpg.PostgresError where PostgreSQL refuses it. No transaction, no `set`:
        the connection goes to the next caller as it is.
        """
        for server in self._readers():
            try:
                return await server.run(statement, arguments, timeout)
            except ServerGoneError:
                continue
        raise unavailable("No database server answers")

    async def write(
        self,
        statement: str,
        arguments: Sequence[Any],
        timeout: float,
        *,
        is_priority: bool = False,
    ) -> list[asyncpg.Record]:
        """Rows of a statement that may write, on the primary; see `read`.

        It is never run again: where the connection is lost (503) it may have happened.
        """
        for server in self._all:
            if server.state == "primary":
                try:
                    return await server.run(statement, arguments, timeout)
                except ServerGoneError:
                    break
                except asyncpg.ReadOnlySQLTransactionError:
                    server.state = "gone"  # no longer the primary: the next look finds out
                    break
        raise unavailable("No primary database server answers")

    async def token(self) -> str | None:
        """The X-Consistency-Token of all that is committed by now; none where no server tells."""
        return None

    async def fetch_all(self, *queries: tuple[Any, ...]) -> list[list[asyncpg.Record]]:
        """The rows of each query, from any server: the primary first, its catalogue is newest."""
        for server in sorted(self._all, key=lambda server: server.state != "primary"):
            if server.state != "gone":
                with contextlib.suppress(ServerGoneError):
                    return await server.fetch_all(queries)
        raise unavailable("No database server answers", "PGRST002")

    def _readers(self) -> Iterator[Server]:
        standbys = [server for server in self._all if server.state == "standby"]
        if standbys:
            first = next(self._turn) % len(standbys)
            yield from standbys[first:]
            yield from standbys[:first]
        yield from (server for server in self._all if server.state == "primary")


async def _watch(server: Server) -> None:
    while True:
        await asyncio.sleep(_LOOK_EVERY)
        await server.look()


async def _no_reset(_connection: asyncpg.Connection) -> None:
    pass
