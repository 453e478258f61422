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


async def test_a_killed_node_comes_back_as_a_replica(redis_cluster: TestCluster) -> None:
    node = redis_cluster.master_of("key")
    with redis_cluster.killed(node):
        redis_cluster.wait_for_promotion("key", node)
    assert node.state(redis_cluster.password).role == "replica"


async def test_a_master_that_hangs_costs_the_first_caller_only(
    redis_cluster: TestCluster, client: Redis
) -> None:
    await client.set("key", "before")
    clock = asyncio.get_running_loop().time
    with redis_cluster.stopped(redis_cluster.master_of("key")):
        begun = clock()
        with pytest.raises(RedisGoneError, match="in time"):
            await client.get("key")
        assert clock() - begun < LONGEST_S
        assert list(client.troubles.values()) == ["does not answer in time"]
        for _ in range(100):  # would be 5 s
            with pytest.raises(RedisGoneError):
                await client.get("key")
        assert clock() - begun < LONGEST_S
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
    counts = await asyncio.gather(*(client.set(f"{{given-up}}:{n}", n) for n in range(50)))
    assert counts == [True] * 50
    assert [await client.get(f"{{given-up}}:{n}") for n in range(50)] == [
        str(n).encode() for n in range(50)
    ]
    assert client.is_up
