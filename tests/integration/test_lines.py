"""The connections that all checks share: whose answer is whose, and how they end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from redis.exceptions import ResponseError

from api.lines import Lines
from common.redis import Redis, RedisGoneError
from common.settings import Settings
from tests.redis_cluster import TestCluster


@pytest.fixture
async def lines(redis_cluster: TestCluster) -> AsyncIterator[Lines]:
    """Connected to every master; the keys 0 to 99 hold their own numbers."""
    redis_cluster.wait_until_whole()
    hosts, password = redis_cluster.settings.values()
    redis = Redis(Settings(redis_hosts=hosts, redis_password=password))
    assert await redis.warm()
    lines = Lines(redis)
    for n in [*range(100), *range(100)]:
        await asked(lines, "SET", n, n)
    yield lines
    await lines.close()
    await redis.aclose()


async def asked(lines: Lines, command: str, key: int, *values: int) -> object:
    """The answer, once there is one."""
    while True:
        with contextlib.suppress(RedisGoneError):
            return await lines.ask(str(key), command, str(key), *values)
        await asyncio.sleep(0.05)


async def answers(lines: Lines, keys: range) -> list[object]:
    found = await asyncio.gather(
        *(lines.ask(str(n), "GET", str(n)) for n in keys), return_exceptions=True
    )
    return [int(answer) if isinstance(answer, bytes) else type(answer) for answer in found]


async def test_everybody_gets_the_own_answer(lines: Lines) -> None:
    assert await answers(lines, range(100)) == list(range(100))


async def test_who_stops_waiting_takes_no_answer_from_others(lines: Lines) -> None:
    asked = [asyncio.create_task(lines.ask(str(n), "GET", str(n))) for n in range(100)]
    await asyncio.sleep(0)
    for task in asked[::2]:
        task.cancel()
    assert [int(await task) for task in asked[1::2]] == list(range(1, 100, 2))
    assert await answers(lines, range(100)) == list(range(100))


async def test_an_error_is_asked_again_through_the_client(lines: Lines) -> None:
    with pytest.raises(ResponseError, match="not an integer"):
        await lines.ask("1", "EXPIRE", "1", "soon")
    assert await answers(lines, range(100)) == list(range(100))


async def test_a_master_that_stops_answering_is_given_up_and_taken_back(
    lines: Lines, redis_cluster: TestCluster
) -> None:
    master = redis_cluster.master_of("1")
    with redis_cluster.stopped(master):
        found = await answers(lines, range(100))
        assert found[1] is RedisGoneError
        assert set(found) - {RedisGoneError} <= set(range(100))
    while await answers(lines, range(100)) != list(range(100)):
        await asyncio.sleep(0.05)


async def test_a_master_that_dies_is_replaced(lines: Lines, redis_cluster: TestCluster) -> None:
    with redis_cluster.killed(redis_cluster.master_of("1")):
        async with asyncio.timeout(20):
            while await answers(lines, range(100)) != list(range(100)):
                await asyncio.sleep(0.05)
