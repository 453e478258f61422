"""The client of Redis on a real cluster: masters are killed and stopped while calls are made."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from common.redis import Redis, RedisGoneError
from common.settings import Settings
from tests.redis_cluster import TestCluster

# A loop that is stopped by the machine for a moment is not the client's doing.
LONGEST_S = 0.15


def settings(cluster: TestCluster, **others: str) -> Settings:
    known = {"redis_hosts": cluster.settings["SAFEROUTE_REDIS_HOSTS"]}
    return Settings(**{**known, "redis_password": cluster.password, **others})


@pytest.fixture
async def client(redis_cluster: TestCluster) -> AsyncIterator[Redis]:
    client = Redis(settings(redis_cluster))
    assert await client.warm()
    yield client
    await client.aclose()


async def wait_until_up(client: Redis) -> None:
    async with asyncio.timeout(30):
        while not client.is_up:
            await asyncio.sleep(0.01)


async def wait_until_asked(client: Redis, key: str) -> None:
    """Return once the master of the key answers."""
    async with asyncio.timeout(30):
        while True:
            try:
                await client.get(key)
            except RedisGoneError:
                await asyncio.sleep(0.01)
            else:
                return


def keys_of_every_master(cluster: TestCluster) -> list[str]:
    found = {}
    for number in range(100):
        found.setdefault(cluster.master_of(f"key-{number}").port, f"key-{number}")
        if len(found) == 3:
            return list(found.values())
    raise AssertionError(found)


async def test_a_cold_burst_is_answered(redis_cluster: TestCluster) -> None:
    client = Redis(settings(redis_cluster))
    assert await client.warm()
    counts = await asyncio.gather(*(client.incr("burst") for _ in range(256)))
    assert sorted(counts) == list(range(1, 257))
    await client.aclose()


async def test_steps_that_belong_together_are_a_script(client: Redis) -> None:
    script = client.register_script("redis.call('set', KEYS[1], ARGV[1]) return KEYS[2]")
    assert await script(["{walker}:1", "{walker}:2"], ["here"]) == b"{walker}:2"
    assert await client.get("{walker}:1") == b"here"
    assert await client.delete("{walker}:1", "elsewhere") == 1
    with pytest.raises(NotImplementedError):
        client.pipeline()


async def test_a_master_is_killed_amid_calls(redis_cluster: TestCluster, client: Redis) -> None:
    lost, *others = keys_of_every_master(redis_cluster)
    node = redis_cluster.master_of(lost)
    slowest = dict.fromkeys([lost, *others], 0.0)
    refused = dict.fromkeys([lost, *others], 0)
    stop = asyncio.Event()

    async def ask(key: str) -> None:
        clock = asyncio.get_running_loop().time
        while not stop.is_set():
            begun = clock()
            try:
                await client.incr(key)
            except RedisGoneError:
                refused[key] += 1
            slowest[key] = max(slowest[key], clock() - begun)
            await asyncio.sleep(0.001)

    try:
        async with asyncio.TaskGroup() as callers:
            for key in slowest:
                for _ in range(8):
                    callers.create_task(ask(key))
            while await client.get(lost) is None:
                await asyncio.sleep(0)
            redis_cluster.kill(node)
            await asyncio.to_thread(redis_cluster.wait_for_promotion, lost, node)
            await wait_until_asked(client, lost)
            stop.set()
    finally:
        redis_cluster.heal()
    assert max(slowest.values()) < LONGEST_S
    assert refused[lost] > 0
    assert [refused[key] for key in others] == [0, 0]
