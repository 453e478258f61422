"""The client of Redis on a real cluster: masters are killed and stopped while calls are made."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from common.redis import BUDGET_S, Redis, RedisGoneError
from common.settings import Settings
from tests.redis_cluster import TestCluster

LONGEST_S = 0.15
"""What a call may take, beside what the machine kept the whole loop waiting."""


def settings(cluster: TestCluster, **others: str) -> Settings:
    known = {"redis_hosts": cluster.settings["SAFEROUTE_REDIS_HOSTS"]}
    return Settings(**{**known, "redis_password": cluster.password, **others})


@pytest.fixture
async def client(redis_cluster: TestCluster) -> AsyncIterator[Redis]:
    client = Redis(settings(redis_cluster))
    assert await client.warm()
    yield client
    await client.aclose()


@asynccontextmanager
async def lateness() -> AsyncIterator[list[float]]:
    """Collects by how much the loop came too late while the block ran, in seconds."""
    found = [0.0]

    async def sleep() -> None:
        clock = asyncio.get_running_loop().time
        while True:
            begun = clock()
            await asyncio.sleep(0.01)
            found.append(clock() - begun - 0.01)

    task = asyncio.create_task(sleep())
    yield found
    task.cancel()


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
    counts = await asyncio.gather(*(client.incr("burst") for _ in range(16)))
    assert sorted(counts) == list(range(1, 17))
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
    slowest = 0.0
    refused, answered_meanwhile = Counter[str](), Counter[str]()
    stop = asyncio.Event()

    async def ask(key: str) -> None:
        nonlocal slowest
        clock = asyncio.get_running_loop().time
        while not stop.is_set():
            begun = clock()
            try:
                await client.incr(key)
                answered_meanwhile[key] += lost in refused
            except RedisGoneError:
                refused[key] += 1
            slowest = max(slowest, clock() - begun)
            await asyncio.sleep(0.001)

    try:
        async with lateness() as late, asyncio.TaskGroup() as callers:
            for key in (lost, *others):
                for _ in range(8):
                    callers.create_task(ask(key))
            while await client.get(lost) is None:
                await asyncio.sleep(0)
            await asyncio.to_thread(redis_cluster.kill, node)
            await wait_until_asked(client, lost)
            stop.set()
    finally:
        redis_cluster.heal()
    assert slowest < LONGEST_S + 2 * max(late)
    assert refused[lost] > 0
    for key in others:
        assert answered_meanwhile[key] > 10 * refused[key]


async def test_a_killed_node_comes_back_as_a_replica(redis_cluster: TestCluster) -> None:
    node = redis_cluster.master_of("key")
    with redis_cluster.killed(node):
        redis_cluster.wait_for_promotion("key", node)
    assert node.state(redis_cluster.password).role == "replica"


async def test_a_master_that_hangs_costs_the_first_callers_only(
    redis_cluster: TestCluster, client: Redis
) -> None:
    await client.set("key", "before")
    clock = asyncio.get_running_loop().time
    with redis_cluster.stopped(redis_cluster.master_of("key")):
        async with lateness() as late:
            while not client.troubles:
                begun = clock()
                with pytest.raises(RedisGoneError, match="in time"):
                    await client.get("key")
                assert clock() - begun < LONGEST_S + 2 * max(late)
        assert list(client.troubles.values()) == ["does not answer in time"]
        begun = clock()
        for _ in range(100):
            with pytest.raises(RedisGoneError):
                await client.get("key")
        assert clock() - begun < 100 * BUDGET_S / 2
    await wait_until_up(client)
    assert await client.get("key") == b"before"


async def test_without_redis_calls_fail_at_once_and_later_it_is_found(
    redis_cluster: TestCluster,
) -> None:
    nodes = redis_cluster.nodes
    for node in nodes:
        redis_cluster.kill(node)
    client = Redis(settings(redis_cluster))
    assert not await client.warm()
    with pytest.raises(RedisGoneError, match="refuses"):
        await client.get("key")
    await asyncio.to_thread(redis_cluster.heal)
    await wait_until_up(client)
    assert await client.set("key", "after")
    await client.aclose()


async def test_one_address_of_the_cluster_is_enough(redis_cluster: TestCluster) -> None:
    replica = next(
        n for n in redis_cluster.nodes if n.state(redis_cluster.password).role != "master"
    )
    client = Redis(settings(redis_cluster, redis_hosts=f"127.0.0.1:1,127.0.0.1:{replica.port}"))
    assert await client.warm()
    await client.aclose()


@pytest.mark.parametrize("password", ["wrong", None])
async def test_a_password_that_is_refused_is_named(
    redis_cluster: TestCluster, caplog: pytest.LogCaptureFixture, password: str | None
) -> None:
    client = Redis(settings(redis_cluster, redis_password=password))
    assert not await client.warm()
    assert "SAFEROUTE_REDIS_PASSWORD" in client.troubles["cluster"]
    assert "SAFEROUTE_REDIS_PASSWORD" in caplog.text
    assert redis_cluster.password not in caplog.text
    with pytest.raises(RedisGoneError, match="password"):
        await client.get("key")
    await client.aclose()


async def test_a_full_redis_refuses_and_forgets_nothing(
    redis_cluster: TestCluster, client: Redis
) -> None:
    node = redis_cluster.master_of("{full}")
    await client.set("{full}", "session")
    with node.connect(redis_cluster.password) as direct:
        direct.config_set("maxmemory", 1)
        try:
            with pytest.raises(RedisGoneError, match="full"):
                await client.set("{full}:more", "session")
            assert await client.get("{full}") == b"session"
            assert client.is_up
        finally:
            direct.config_set("maxmemory", "8mb")


async def test_a_caller_that_gives_up_leaves_nothing_behind(client: Redis) -> None:
    for _ in range(50):
        task = asyncio.create_task(client.incr("given-up"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    counts = await asyncio.gather(*(client.set(f"{{given-up}}:{n}", n) for n in range(16)))
    assert counts == [True] * 16
    assert [await client.get(f"{{given-up}}:{n}") for n in range(16)] == [
        str(n).encode() for n in range(16)
    ]
    assert client.is_up
