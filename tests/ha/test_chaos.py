"""200 calls for help while the platform is killed piece by piece: all arrive, once."""

import asyncio
import random
import time
import uuid
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from ops import schema
from tests.conftest import Primary, conninfo, wait_for_replay
from tests.contract.serving import database_to_serve
from tests.fixtures.stand_ins import StandIns
from tests.ha.outcome import inboxes, outcome, unsent
from tests.ha.people import Caller, People, settle
from tests.ha.stack import Stack, stack_on
from tests.ha.watchers import Watcher
from tests.redis_cluster import TestCluster

CALLS = 200
IN_FLIGHT = 8
VICTIMS = ["live-1", "alarm-1", "beat-1", "api-1", "redis"]
ARRIVES_S = 60  # the lease of whoever was killed while sending, a sweep, and a slow machine


@pytest.fixture(scope="module")
def services() -> Iterator[StandIns]:
    with StandIns() as running:
        yield running


@pytest.fixture(scope="module")
def database(primary: Primary, standby: Primary, template) -> Iterator[psycopg.Connection]:
    with database_to_serve(primary, template, "chaos") as connection:
        schema.set_passwords(conninfo(connection), {"worker": primary.password})
        yield connection


@pytest.fixture(scope="module")
def people(database: psycopg.Connection, services: StandIns) -> People:
    browsers = [httpx.post(f"{services.url}/push/browsers").json() for _ in range(5)]
    found = settle(database, 20, 10, webhooks=services.url, browsers=browsers)
    services.hooks.secrets |= found.hooks
    return found


@pytest.fixture(scope="module")
def stack(
    people: People,
    services: StandIns,
    primary: Primary,
    standby: Primary,
    redis_cluster: TestCluster,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stack]:
    wait_for_replay(primary, standby)
    servers = [primary.port, standby.port]
    folder: Path = tmp_path_factory.mktemp("chaos")
    with stack_on(
        servers, "chaos", primary.password, redis_cluster, folder, **services.settings
    ) as running:
        yield running


async def test_every_alert_arrives_once_whatever_is_killed(
    stack: Stack,
    people: People,
    services: StandIns,
    database: psycopg.Connection,
    redis_cluster: TestCluster,
) -> None:
    chance = random.Random(5)
    calls = [
        (people.walkers[n % len(people.walkers)], str(uuid.UUID(int=chance.getrandbits(128))))
        for n in range(CALLS)
    ]
    watchers = [Watcher(account) for account in people.accounts]
    async with aclosing(Caller(stack.apis)) as caller, asyncio.TaskGroup() as tasks:
        watching = [
            tasks.create_task(watcher.watch(stack.gateways[n % 2]))
            for n, watcher in enumerate(watchers)
        ]
        answers = await raise_all(calls, caller, stack, redis_cluster, people)
        entries = inboxes(database)
        async with asyncio.timeout(ARRIVES_S):
            for watcher in watchers:
                await watcher.until_shown(len(entries[watcher.account]))
        await asyncio.to_thread(wait_until_sent, database)
        for task in watching:
            task.cancel()

    assert sorted(answer["alert_id"] for answer in answers) == sorted(alert for _, alert in calls)
    found = outcome(
        database,
        services.recorder.records(),
        {watcher.account: [each.seq for each in watcher.shown] for watcher in watchers},
    )
    assert found.alerts == CALLS
    assert found.problems == {}
    for watcher in watchers:
        raised = [each.alert_id for each in watcher.shown if each.event == "raised"]
        assert len(raised) == len(set(raised)) > 0


async def raise_all(
    calls: list[tuple[str, str]], caller: Caller, stack: Stack, redis: TestCluster, people: People
) -> list[dict[str, Any]]:
    """One victim after another is killed while calls are on their way, some more are made without
    it, and the rest while it comes back.
    """
    answers: list[dict[str, Any]] = []
    share = len(calls) // len(VICTIMS)
    room = asyncio.Semaphore(IN_FLIGHT)

    async def call(walker: str, alert_id: str) -> None:
        async with room:
            answers.append(await caller.raise_sos(walker, alert_id))

    for number, victim in enumerate(VICTIMS):
        mine = calls[number * share : (number + 1) * share]
        some, more, rest = mine[: share // 4], mine[share // 4 : share // 2], mine[share // 2 :]
        async with asyncio.TaskGroup() as tasks:
            begun = [tasks.create_task(call(*each)) for each in some]
            await begun[IN_FLIGHT // 2]
            if victim == "redis":
                topic = f"live:{{user:{people.accounts[0]}}}"
                redis.kill(await asyncio.to_thread(redis.master_of, topic))
            else:
                stack[victim].kill()
            for each in more:
                tasks.create_task(call(*each))
        async with asyncio.TaskGroup() as tasks:
            back = redis.heal if victim == "redis" else stack[victim].restart
            tasks.create_task(asyncio.to_thread(back))
            for each in rest:
                tasks.create_task(call(*each))
    return answers


def wait_until_sent(db: psycopg.Connection) -> None:
    """Return once nothing waits to be sent."""
    deadline = time.monotonic() + ARRIVES_S
    while (left := unsent(db)) > 0:
        assert time.monotonic() < deadline, f"{left} deliveries were not sent"
        time.sleep(0.1)
