"""How long a process goes by the API keys it has read."""

import asyncio
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import pytest

from api import api_keys
from api.api_keys import ApiKeys
from api.errors import RequestError

KEY = b"sr_key"


class Servers:
    """Stands in for the database: what is valid now, and how often it was asked."""

    def __init__(self) -> None:
        self.valid = [KEY]
        self.readings = 0
        self.answers = asyncio.Event()
        self.answers.set()
        self.notes: list[str] = []

    async def fetch_all(self, *_queries: Any) -> list[list[dict[str, Any]]]:
        self.readings += 1
        valid = list(self.valid)
        await self.answers.wait()
        return [
            [
                {
                    "api_key_id": key.decode(),
                    "digest": sha256(key).digest(),
                    "scopes": ["reads"],
                    "expires_at": None,
                }
                for key in valid
            ]
        ]

    async def write(self, _statement: str, arguments: list[str], timeout: float) -> None:
        self.notes += arguments


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(api_keys, "time", clock)
    return clock


def known(servers: Servers) -> ApiKeys:
    def error(code: str) -> RequestError:
        return RequestError(401, code, code)

    return ApiKeys(servers, SimpleNamespace(contents=SimpleNamespace(error=error)))  # type: ignore[arg-type]


async def is_valid(keys: ApiKeys, key: bytes = KEY) -> bool:
    try:
        return (await keys.caller(key, None)).api_key_id == key.decode()
    except RequestError:
        return False


def test_a_revocation_nobody_told_of_counts_after_30_seconds(clock: Clock) -> None:
    async def story() -> None:
        keys = known(servers := Servers())
        assert await is_valid(keys)
        servers.valid = []
        clock.now += 29
        assert await is_valid(keys)
        clock.now += 1
        assert not await is_valid(keys)
        assert servers.readings == 2

    asyncio.run(story())


def test_unknown_keys_are_not_asked_for(clock: Clock) -> None:
    async def story() -> None:
        keys = known(servers := Servers())
        for number in range(100):
            assert not await is_valid(keys, b"sr_%d" % number)
        assert servers.readings == 1

    asyncio.run(story())


def test_callers_share_a_reading_and_one_that_began_before_a_change_does_not_count(
    clock: Clock,
) -> None:
    async def story() -> None:
        keys = known(servers := Servers())
        servers.answers.clear()
        calls = [asyncio.create_task(is_valid(keys)) for _ in range(9)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        servers.valid = []
        keys.forget()
        servers.answers.set()
        assert await asyncio.gather(*calls) == [False] * 9
        assert servers.readings == 2

    asyncio.run(story())


def test_use_is_noted_once_an_hour(clock: Clock) -> None:
    async def story() -> None:
        keys = known(servers := Servers())
        for seconds in (0, 1, 3598, 1):
            clock.now += seconds
            assert await is_valid(keys)
            await asyncio.sleep(0)
        assert servers.notes == [KEY.decode()] * 2

    asyncio.run(story())
