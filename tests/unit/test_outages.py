"""Writes that wait for a primary."""

import asyncio
import time
from typing import Any, cast

import pytest

from api.lanes import LONGEST
from api.outages import Outages
from api.server import NotOnStandbysError, Server
from common.settings import Settings


def test_all_that_wait_go_on_when_a_primary_has_answered() -> None:
    async def scene() -> list[bool]:
        outages = Outages(2)
        now = time.monotonic()
        calls = [
            asyncio.create_task(outages.end(now, now + 10, is_priority=bool(number % 2)))
            for number in range(20)
        ]
        await asyncio.sleep(0)
        outages.wake(now)  # before they began to wait: what they have met may be news since
        await asyncio.sleep(0)
        assert not any(call.done() for call in calls)
        outages.wake(now + 0.001)
        return await asyncio.gather(*calls)

    assert all(asyncio.run(scene()))


def test_ordinary_calls_take_no_place_of_those_that_go_first() -> None:
    async def scene() -> None:
        outages = Outages(2)
        now = time.monotonic()
        calls = [
            asyncio.create_task(outages.end(now, now + 10, is_priority=False))
            for _ in range(2 * LONGEST)
        ]
        await asyncio.sleep(0)
        assert not await outages.end(now, now + 10, is_priority=False)
        first = asyncio.create_task(outages.end(now, now + 10, is_priority=True))
        await asyncio.sleep(0)
        assert not first.done()
        calls[0].cancel()  # its caller has gone
        await asyncio.sleep(0)
        assert len(outages) == 2 * LONGEST
        outages.wake(now + 1)
        assert await first
        assert all(await asyncio.gather(*calls[1:]))
        assert len(outages) == 0

    asyncio.run(scene())


def test_who_has_waited_long_enough_is_told_so() -> None:
    now = time.monotonic()
    assert not asyncio.run(Outages(2).end(now, now + 0.01, is_priority=False))


class _CutShort:
    """A commit whose wait for the standbys is cut short while the server goes."""

    def __init__(self, server: Server) -> None:
        self.server = server

    async def fetch(self, *_: Any, **__: Any) -> list[Any]:
        self.server._not_on_standbys.add(cast(Any, self))
        self.server._is_gone()
        return []

    def is_closed(self) -> bool:
        return False

    def terminate(self) -> None:
        """Nothing to end."""


def test_what_is_not_on_the_standbys_is_not_acknowledged_by_a_server_that_has_gone() -> None:
    async def scene() -> None:
        settings = Settings(database_hosts="127.0.0.1:1")
        server = Server(("127.0.0.1", 1), settings, lambda: None, lambda: None)
        server.state = "primary"
        connection: Any = _CutShort(server)
        server._idle[False].append(connection)
        with pytest.raises(NotOnStandbysError):
            await server.run("select 1", (), 1, False)
        assert not server._not_on_standbys

    asyncio.run(scene())
