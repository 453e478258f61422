"""Small calls of `record_points`, stored together: one statement and one commit for many callers.

A post that comes while nothing is being stored goes at once. What comes meanwhile is collected and
goes when that has ended, so batches are as large as the load makes them and nobody waits for a
timer.
"""

import asyncio
import re
import time
from collections import deque
from dataclasses import dataclass

import asyncpg

from api.catalogue import Function
from api.errors import RequestError, unavailable
from api.metrics import GROUP_SECONDS, GROUP_SIZES
from api.servers import Servers
from api.tokens import Caller

RECORD_POINTS = "record_points"
"""The function whose small calls are stored together."""
_BODY_LIMIT = 2048  # bytes: larger batches are worth a transaction of their own
_AT_ONCE = 512  # calls in one statement
_IN_FLIGHT = 2  # statements: one runs while the other commits; a third gained nothing
_MOST_WAITING = 4096  # calls
_WAIT = 2.0  # seconds a call waits for its turn, where there is a primary, before it is 503
_STORE = "select core.record_points_together($1, $2)"
_ARGUMENTS = {"journey_id", "points"}
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(slots=True)
class _Call:
    user_id: str | None
    body: str
    timeout: float
    since: float
    answer: "asyncio.Future[str | None]"


class Ingest:
    """Collects small calls and stores them."""

    def __init__(self, servers: Servers) -> None:
        """Nothing is waiting."""
        self._servers = servers
        self._waiting: deque[_Call] = deque()
        self._storing: set[asyncio.Task[None]] = set()
        self._clock: asyncio.TimerHandle | None = None

    @staticmethod
    def takes(function: Function, caller: Caller, body: str) -> bool:
        """Whether this is a call that is stored with others."""
        return (
            function.name == RECORD_POINTS
            and len(body) <= _BODY_LIMIT
            and caller.role == "authenticated"
            and caller.user_id is not None
            and _UUID.fullmatch(caller.user_id) is not None
            and function.types.keys() == _ARGUMENTS
        )

    async def record(self, caller: Caller, body: str, timeout: float) -> str | None:
        """The answer as JSON text; none where the call has to go the ordinary way: it was not
        stored, and only that gives the reason.

        Raises RequestError (503) where too many wait, or the database cannot be used.
        """
        if len(self._waiting) >= _MOST_WAITING:
            raise _too_busy()
        loop = asyncio.get_running_loop()
        call = _Call(caller.user_id, body, timeout, time.monotonic(), loop.create_future())
        self._waiting.append(call)
        if len(self._storing) < _IN_FLIGHT:
            task = loop.create_task(self._store_all())
            self._storing.add(task)
            task.add_done_callback(self._storing.discard)
        elif self._clock is None:
            self._clock = loop.call_later(_WAIT, self._refuse_late)
        return await call.answer

    async def close(self) -> None:
        """Store what was collected."""
        while self._storing:
            await asyncio.wait(self._storing)
        if self._clock is not None:
            self._clock.cancel()

    async def _store_all(self) -> None:
        while self._waiting:
            calls = [self._waiting.popleft() for _ in range(min(len(self._waiting), _AT_ONCE))]
            try:
                answers = await self._store(calls)
            except Exception as error:
                for call in calls:
                    if not call.answer.done():
                        call.answer.set_exception(error)
            else:
                for call, answer in zip(calls, answers, strict=True):
                    if not call.answer.done():  # its caller may have gone
                        call.answer.set_result(answer)

    async def _store(self, calls: list[_Call]) -> list[str | None]:
        arguments = [call.user_id for call in calls], f"[{','.join([call.body for call in calls])}]"
        GROUP_SIZES.observe(len(calls))
        try:
            with GROUP_SECONDS.time():
                # What was stored already is counted as a duplicate.
                [[answers]] = await self._servers.write(
                    _STORE, arguments, calls[0].timeout, is_repeatable=True
                )
        except asyncpg.PostgresError:
            # Whatever it was, it may concern one of them only: each finds out for itself.
            return [None] * len(calls)
        stored: list[str | None] = answers
        return stored

    def _refuse_late(self) -> None:
        """503 for those that have waited too long, as for those that wait for a connection."""
        self._clock = None
        while self._waiting:
            left = self._servers.until(self._waiting[0].since, _WAIT) - time.monotonic()
            if left > 0:
                self._clock = asyncio.get_running_loop().call_later(left, self._refuse_late)
                break
            late = self._waiting.popleft()
            if not late.answer.done():
                late.answer.set_exception(_too_busy())


def _too_busy() -> RequestError:
    return unavailable("Too many positions are waiting to be stored", "PGRST003")
