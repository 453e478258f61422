"""The one client of Redis Cluster: what it holds is quick to ask and may be gone for a while.

redis-py repairs in the caller: after a failure it retries, asks every node for the topology, and on
CLUSTERDOWN closes all connections and sleeps 250 ms. `Redis` fails the call instead and repairs in
the background: after a failed call the masters are pinged, and one that does not answer is not
asked again until it does, or the cluster has put another in its place. So a master that hangs costs
50 ms each to the callers of the first 100 ms, and nothing to those after them and of other masters.

Every command is within the budget, also those of `register_script`. What takes several steps is
one Lua script, whose keys share a hash tag: pipelines and pub/sub are outside the budget.

When `RedisGoneError` is raised
- limits count within this process until Redis is back;
- sign-in, refresh and the sending of codes fail closed: 503, try again;
- SOS never asks Redis.
"""

import asyncio
import contextlib
import logging
import ssl
from collections import defaultdict
from collections.abc import Awaitable, Iterable, Mapping
from types import TracebackType
from typing import Any, NoReturn

from redis import exceptions
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.connection import Connection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from common import tls
from common.settings import Settings

BUDGET_S = 0.05
"""What one call may take, all included."""
_GRACE_S = 0.01  # of the budget; see _Budget
_LOOK_S = 5
_REPAIR_S = 0.1
_PAUSE_S = 0.05
_PATIENCE_S = 0.25  # with a node that is asked for the topology
_TLS_PATIENCE_S = 1.0  # handshakes given up too soon leave a busy node no time for another
_CONNECTIONS = 32
"""From this process to one node. What is beyond waits for one, within the budget."""
_WARM = 8

_CLUSTER = "cluster"

_log = logging.getLogger(__name__)


class RedisGoneError(Exception):
    """Redis did not answer in time: slow, refused, failing over, full, or not found yet."""


class _TlsConnection(Connection):
    """By TLS: redis-py's own reads all authorities of the system, 15 ms, and trusts them too."""

    def __init__(self, *, tls: ssl.SSLContext, **options: Any) -> None:
        super().__init__(**options)
        self._tls = tls

    def _connection_arguments(self) -> dict[str, Any]:
        return {**super()._connection_arguments(), "ssl": self._tls}


def sessions_key(user_id: object) -> str:
    """Where a person's sessions are; the braces keep all their keys on one node."""
    return f"sessions:{{{user_id}}}"


class Redis(RedisCluster):
    """The Redis Cluster of the settings. One per process, closed with `aclose`."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is connected before `warm`."""
        password = settings.redis_password
        self.tls = tls.trust(settings)
        """For whoever connects to a node by itself; none where connections are in plain."""
        self.connect_timeout = _TLS_PATIENCE_S if self.tls else _PATIENCE_S
        """Seconds in which that must succeed."""
        super().__init__(
            startup_nodes=[ClusterNode(host, port) for host, port in settings.redis_nodes],
            password=password.get_secret_value() if password else None,
            require_full_coverage=False,
            dynamic_startup_nodes=False,
            reinitialize_steps=0,
            max_connections=2 * _CONNECTIONS,
            retry=Retry(NoBackoff(), 0),
            # redis-py's own costs a task per command; the budget does its work.
            socket_timeout=None,
            socket_connect_timeout=self.connect_timeout,
            protocol=2,
            driver_info=None,
        )
        for node in self.nodes_manager.startup_nodes.values():
            node.connection_kwargs["socket_timeout"] = _PATIENCE_S
            if self.tls is not None:
                node.connection_class, node.connection_kwargs["tls"] = _TlsConnection, self.tls
        if self.tls is not None:  # of nodes that are found
            self.connection_kwargs |= {"connection_class": _TlsConnection, "tls": self.tls}
        self._rooms: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(_CONNECTIONS)
        )
        self._troubles: dict[str, str] = {}
        self._is_known = False
        self._cut: set[str] = set()
        self._called = asyncio.Event()
        self.topology = 0
        """Another number whenever other nodes may have other slots."""
        self._watcher: asyncio.Task[None] | None = None

    @property
    def troubles(self) -> dict[str, str]:
        """What is wrong: a reason for each master that is not asked, or for `cluster`."""
        return dict(self._troubles)

    @property
    def is_up(self) -> bool:
        """Whether every key can be asked for, as far as is known."""
        return self._is_known and not self._troubles

    async def warm(self) -> bool:
        """Learn the topology and connect, before the first burst; whether every master is there.

        From then on the background looks after it, and finds what is not there yet.
        """
        await self._look()
        self._watcher = asyncio.create_task(self._watch())
        return self.is_up

    async def aclose(self) -> None:
        """Close every connection."""
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.wait([self._watcher])
        self._initialize = False  # else redis-py finds nothing to close
        await super().aclose()

    def look_again(self) -> None:
        """Have the background look after the cluster at once: somebody has seen it in trouble."""
        self._called.set()

    def master(self, key: str | bytes) -> ClusterNode | None:
        """Who holds the key; none where nobody does, or it is in trouble."""
        nodes = self.nodes_manager.slots_cache.get(self.keyslot(key))
        return nodes[0] if nodes and nodes[0].name not in self._troubles else None

    async def initialize(self, *args: Any, **options: Any) -> "Redis":
        """What redis-py does in its callers after each failure; here once, in the background."""
        if self._is_known:
            self._initialize = False
        else:
            await super().initialize(*args, **options)
        return self

    def pipeline(self, *_args: Any, **_options: Any) -> NoReturn:
        """Pipelines are outside the budget."""
        raise NotImplementedError("several steps are one script: see register_script")

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """The answer of the master that holds the command's key.

        RedisGoneError within 50 ms, at once where that master is known to be gone.
        """
        if not self._is_known:
            raise RedisGoneError(self._troubles.get(_CLUSTER, "not connected yet"))
        if "target_nodes" in options or args[0] in self.command_flags:
            return await self._within_budget(None, super().execute_command(*args, **options))
        slot = await self._determine_slot(*args)
        try:
            return await self._ask(slot, args, options)
        except exceptions.MovedError as moved:
            await self.nodes_manager.move_slot(moved)
            self.topology += 1
            self._called.set()
        try:
            return await self._ask(slot, args, options)
        except exceptions.MovedError as moved:
            raise RedisGoneError("failing over") from moved

    async def _execute_pipeline_by_slot(  # type: ignore[override]
        self, command: str, slots_to_args: Mapping[int, Iterable[Any]]
    ) -> list[Any]:
        """What `delete`, `unlink`, `exists` and `touch` are made of."""
        return [await self.execute_command(command, *args) for args in slots_to_args.values()]

    async def _ask(self, slot: int, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        nodes = self.nodes_manager.slots_cache.get(slot)
        if not nodes:
            self._called.set()
            raise RedisGoneError("no master for this key")
        node = nodes[0]
        self._refuse_if_gone(node)
        return await self._within_budget(node, self._in_room(node, args, options))

    async def _in_room(
        self, node: ClusterNode, args: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        async with self._rooms[node.name]:
            self._refuse_if_gone(node)  # may be news to those who waited
            return await node.execute_command(*args, **options)

    async def _within_budget(self, node: ClusterNode | None, answer: Awaitable[Any]) -> Any:
        try:
            with _Budget():
                return await answer
        except exceptions.MovedError:
            raise
        except _FAILURES as error:
            if isinstance(error, exceptions.ResponseError) and not _means_gone(error):
                raise
            if node is not None and isinstance(error, _CUT) and not isinstance(error, TimeoutError):
                self._cut.add(node.name)
            self._called.set()
            raise RedisGoneError(_reason(error)) from error

    def _refuse_if_gone(self, node: ClusterNode) -> None:
        if self._troubles and node.name in self._troubles:
            raise RedisGoneError(self._troubles[node.name])

    def _note(self, name: str, reason: str) -> None:
        if self._troubles.get(name) != reason:
            _log.warning("redis %s: %s", name, reason)
        self._troubles[name] = reason

    def _forget(self, name: str) -> None:
        if self._troubles.pop(name, None) is not None:
            _log.warning("redis %s: no longer in the way", name)

    async def _watch(self) -> None:
        """Look after the cluster every few seconds, at once when a call has failed."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_REPAIR_S if self._troubles else _LOOK_S):
                    await self._called.wait()
            self._called.clear()
            try:
                await self._look()
            except Exception:  # must not end: nobody else repairs
                _log.exception("redis: looking after the cluster failed")
            await asyncio.sleep(_PAUSE_S)

    async def _look(self) -> None:
        """Learn the topology anew, and ask every master for a sign of life."""
        try:
            await self._learn()
        except _UNLEARNT as error:
            self._note(_CLUSTER, _reason(error.__cause__ or error))
        else:
            self._forget(_CLUSTER)
        masters = self.get_primaries()
        for name in self._troubles.keys() - {_CLUSTER, *(node.name for node in masters)}:
            self._forget(name)  # its place has been taken
        await asyncio.gather(*(self._probe(node) for node in masters))
        self._is_known = bool(masters)

    async def _learn(self) -> None:
        """Ask who has which slots; learn it where that is news: redis-py then reconnects all."""
        shards = await self._ask_for_shards()
        if self._is_known and all(self._knows(*shard) for shard in shards):
            return
        async with asyncio.timeout(8 * _PATIENCE_S):
            if self._is_known:
                await self.nodes_manager.initialize()
                self._keep_connections()
            else:
                await self.initialize()
            self.topology += 1

    def _keep_connections(self) -> None:
        """redis-py would make all of them anew, those to healthy masters too, amid the calls.

        It does so for READONLY, which is part of a connection and which we never send.
        """
        for node in self.get_nodes():
            for connection in node._connections:
                connection.reset_should_reconnect()  # type: ignore[no-untyped-call]

    async def _ask_for_shards(self) -> list[Any]:
        """What a node that is not in trouble says, if there is one."""
        nodes = sorted(
            self.nodes_manager.startup_nodes.values(), key=lambda node: node.name in self._troubles
        )
        failures: list[Exception] = []
        for node in nodes:
            try:
                shards: list[Any] = await node.execute_command("CLUSTER SLOTS")
            except _UNLEARNT as error:
                failures.append(error)
            else:
                if shards:
                    return shards
        raise failures[0] if failures else exceptions.ClusterError("nobody has been given slots")

    def _knows(self, first: int, last: int, master: list[Any], *_replicas: Any) -> bool:
        address = master[0].decode(), master[1]
        owners = [self.nodes_manager.slots_cache.get(slot) for slot in (first, last)]
        return all(nodes and (nodes[0].host, nodes[0].port) == address for nodes in owners)

    async def _probe(self, node: ClusterNode) -> None:
        """Ask for a sign of life; with connections made anew where others were cut."""
        is_new = node.name in {*self._troubles, *self._cut} or not self._is_known
        self._cut.discard(node.name)
        try:
            if is_new:
                await node.disconnect_free_connections()
                async with asyncio.timeout(self.connect_timeout):
                    await node.execute_command("PING")  # one that is gone is not asked eight times
                    pings = (node.execute_command("PING") for _ in range(_WARM))
                    await asyncio.gather(*pings)
            with _Budget():
                await node.execute_command("PING")
        except _UNLEARNT as error:
            self._note(node.name, _reason(error))
        else:
            self._forget(node.name)


_CUT = (OSError, exceptions.ConnectionError, RuntimeError)
"""That a connection has ended; uvloop says RuntimeError to who writes to it then."""
_FAULTS = (*_CUT, TimeoutError, exceptions.TimeoutError)
_UNLEARNT = (*_FAULTS, exceptions.RedisError, exceptions.RedisClusterException)
_FAILURES = (*_FAULTS, exceptions.ResponseError, exceptions.SlotNotCoveredError)
_REFUSALS = (
    exceptions.ClusterError,
    exceptions.AskError,
    exceptions.TryAgainError,
    exceptions.OutOfMemoryError,
    exceptions.ReadOnlyError,
)


def _means_gone(error: exceptions.ResponseError) -> bool:
    """Whether the node says that it cannot, and not that it was asked for nonsense."""
    return isinstance(error, _REFUSALS) or str(error).startswith("MISCONF")


def _reason(error: BaseException) -> str:
    if (untrusted := tls.refusal(error)) is not None:
        return untrusted
    match error:
        case exceptions.AuthenticationError():
            return "refuses the password (SAFEROUTE_REDIS_PASSWORD)"
        case exceptions.BusyLoadingError():
            return "is loading its data"
        case TimeoutError() | exceptions.TimeoutError():
            return "does not answer in time"
        case OSError() | exceptions.ConnectionError() | RuntimeError():
            return "refuses or has cut the connection"
        case exceptions.OutOfMemoryError():
            return "is full"
    return str(error)


class _Budget:
    """Ends what is in the block after BUDGET_S: asyncio.timeout for 2 us instead of 3.

    A loop that was busy meanwhile is not taken for a slow Redis: where the timer comes late, the
    call has its time once more, and the last 10 ms are a timer of their own, so that what Redis
    has answered is read first.
    """

    __slots__ = ("_due", "_is_extended", "_is_over", "_loop", "_task", "_timer")

    def __enter__(self) -> None:
        self._is_over = self._is_extended = False
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task(self._loop)
        self._begin()

    def _begin(self) -> None:
        self._due = self._loop.time() + BUDGET_S - _GRACE_S
        self._timer = self._loop.call_at(self._due, self._almost_over)

    def _almost_over(self) -> None:
        if not self._is_extended and self._loop.time() > self._due + _GRACE_S:
            self._is_extended = True
            self._begin()
        else:
            self._timer = self._loop.call_later(_GRACE_S, self._over)

    def _over(self) -> None:
        self._is_over = True
        assert self._task is not None
        self._task.cancel()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        if self._is_over:
            assert self._task is not None
            if self._task.uncancel() <= 0 and kind is asyncio.CancelledError:
                raise TimeoutError from error
