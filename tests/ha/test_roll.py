"""Every process of ours is replaced under load, behind a real nginx: nobody notices."""

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from ops import schema
from ops.errors import OperatorError
from ops.roll import Member, roll
from saferoute_client import LiveClient, Position, Snapshot
from tests.conftest import Primary, conninfo, wait_for_replay
from tests.contract.serving import database_to_serve
from tests.fixtures.stand_ins import StandIns
from tests.ha import workload
from tests.ha.checker import report, violations
from tests.ha.history import History
from tests.ha.ledger import ledger_of
from tests.ha.outcome import inboxes, outcome, unsent
from tests.ha.people import LAT, LON, People, settle, token
from tests.ha.stack import SECRET, Stack, stack_on
from tests.ha.workload import Plan, Workload
from tests.nginx import Front, running_gateway
from tests.redis_cluster import TestCluster

STEP = 1e-5
"""Degrees from one position to the next: each is another one."""


@dataclass
class Keeper:
    """Keeps the processes of a stack as systemd and supervisord do."""

    stack: Stack

    def start_process(self, name: str) -> bool:
        self.stack[of(name)].start()
        return True

    def stop_process(self, name: str) -> None:
        running = self.stack[of(name)].running
        assert running is not None
        running.terminate()
        running.wait(30)

    def is_working(self, name: str) -> bool:
        process = self.stack[of(name)]
        said = f'"message":"ready","pid":{process.pid}}}' if name.startswith("worker-") else ""
        return not self.has_failed(name) and process.is_ready() and said in process.log.read_text()

    def has_failed(self, name: str) -> bool:
        running = self.stack[of(name)].running
        return running is None or running.poll() is not None

    def last_words(self, name: str) -> str:
        return self.stack[of(name)].log.read_text().splitlines()[-1]


def of(name: str) -> str:
    """What the stack calls it."""
    return name.removeprefix("worker-")


def members(stack: Stack) -> list[Member]:
    keeper = Keeper(stack)
    ours = {"api": "", "live": "", "alarm": "worker-", "default": "worker-", "beat": "worker-"}
    return [
        Member(f"{prefix}{name}", keeper, None)
        for kind, prefix in ours.items()
        for name in stack.processes
        if name.startswith(f"{kind}-")
    ]


def ports(urls: list[str]) -> tuple[int, ...]:
    return tuple(urlsplit(url).port or 0 for url in urls)


@dataclass
class Walk:
    """Somebody who walks, and somebody who watches that."""

    url: str
    person: str = field(default_factory=lambda: str(uuid.uuid4()))
    journey_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    sent: int = 0
    shown: int = -1
    """The newest position that was shown."""
    failed: list[str] = field(default_factory=list)
    has_begun: asyncio.Event = field(default_factory=asyncio.Event)
    is_over: asyncio.Event = field(default_factory=asyncio.Event)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def walk(self) -> None:
        """Until it is over. Every second call can be repeated, and says so."""
        headers = {"Authorization": f"Bearer {token(self.person)}"}
        async with httpx.AsyncClient(base_url=self.url, headers=headers, timeout=5) as client:
            start = {"journey_id": self.journey_id, "from_lon": LON, "from_lat": LAT}
            (await client.post("/rpc/start_journey", json=start)).raise_for_status()
            self.has_begun.set()
            while not self.is_over.is_set():
                point = {"lon": LON, "lat": LAT + self.sent * STEP}
                point |= {"recorded_at": datetime.now(UTC).isoformat()}
                body = {"journey_id": self.journey_id, "points": [point]}
                more = {"Idempotency-Key": str(uuid.uuid4())} if self.sent % 2 else {}
                try:
                    answer = await client.post("/rpc/record_points", json=body, headers=more)
                    if answer.is_error:
                        self.failed.append(answer.text)
                except httpx.HTTPError as error:
                    self.failed.append(repr(error))
                self.sent += 1
                await asyncio.sleep(0.05)

    async def watch(self) -> None:
        """For ever."""
        await self.has_begun.wait()
        url = f"{self.url.replace('http', 'ws', 1)}/live"
        async with LiveClient(url, token=token(self.person)) as live:
            async for message in live.watch(f"journey:{self.journey_id}"):
                match message:
                    case Position(lat=lat) | Snapshot(position=Position(lat=lat)):
                        self.shown = max(self.shown, round((lat - LAT) / STEP))
                self.news.set()

    async def until_shown(self) -> None:
        """Return once the newest position was shown. One that came while a connection was made anew
        may be left out.
        """
        while self.shown < self.sent - 1:
            self.news.clear()
            await self.news.wait()


@pytest.fixture(scope="module")
def services() -> Iterator[StandIns]:
    with StandIns() as running:
        yield running


@pytest.fixture(scope="module")
def database(primary: Primary, standby: Primary, template) -> Iterator[psycopg.Connection]:
    with database_to_serve(primary, template, "roll") as connection:
        schema.set_passwords(conninfo(connection), {"worker": primary.password})
        workload.prepare(connection)
        yield connection


@pytest.fixture(scope="module")
def people(database: psycopg.Connection) -> People:
    channels = ["live", "sms", "email"]
    return settle(database, 12, 4, channels=channels, contacts=[("sms", 0), ("email", 1)])


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
    settings = {**services.settings, "SAFEROUTE_DRAIN_S": "1"}
    settings |= {"SAFEROUTE_TRUSTED_PROXIES": "127.0.0.1"}
    servers = [primary.port, standby.port]
    folder = tmp_path_factory.mktemp("roll")
    with stack_on(servers, "roll", primary.password, redis_cluster, folder, **settings) as running:
        yield running


@pytest.fixture(scope="module")
def front(stack: Stack) -> Iterator[Front]:
    behind = {"api": ports(stack.apis), "live": ports(stack.gateways)}
    with running_gateway(**behind, calls_per_s=10_000, burst=10_000) as running:
        yield running


async def test_all_are_replaced_and_nobody_notices(
    stack: Stack,
    front: Front,
    people: People,
    services: StandIns,
    database: psycopg.Connection,
    tmp_path: Path,
) -> None:
    before = {name: process.pid for name, process in stack.processes.items()}
    walk = Walk(front.url)
    plan = Plan(front.url, SECRET, people.walkers, people.accounts, sos=1, points=1, pause_s=0.1)

    def everything() -> History:
        with Workload(plan, tmp_path) as clients:
            begun = clients.wait_for_calls(since=0)
            roll(members(stack), print)
            clients.wait_for_calls(since=max(call.began for call in begun.calls))
            clients.stop()
            return clients.wait_until_shown(inboxes(database))

    async with asyncio.TaskGroup() as tasks:
        walking = tasks.create_task(walk.walk())
        watching = tasks.create_task(walk.watch())
        history = await asyncio.to_thread(everything)
        walk.is_over.set()
        await walking
        async with asyncio.timeout(20):
            await walk.until_shown()
        watching.cancel()
        while unsent(database):
            await asyncio.sleep(0.1)

    assert all(stack[name].pid != pid for name, pid in before.items())
    calls = [call for call in history.calls if call.kind != "watch"]
    assert [str(call) for call in calls if not call.is_acknowledged] == []
    assert walk.failed == []
    assert report(violations(history, ledger_of(database))) == ""
    assert outcome(database, services.recorder.records(), {}).problems == {}


def test_it_goes_no_further_where_the_new_one_is_of_no_use(stack: Stack) -> None:
    all_of_them = members(stack)
    process = stack["api-1"]
    environment = process.environment
    others = {name: stack[name].pid for name in stack.processes if name != "api-1"}
    process.environment = {**environment, "SAFEROUTE_DRAIN_S": "-1"}
    with pytest.raises(OperatorError, match="api-1 did not become ready"):
        roll(all_of_them, print)
    # Somebody has to serve: the other one is left alone also when asked again.
    with pytest.raises(OperatorError, match="api-1 is not ready: api-2 has to go on serving"):
        roll(all_of_them[1::-1], print)
    assert {name: stack[name].pid for name in others} == others
    process.environment = environment
    process.restart()


def test_the_only_one_of_its_kind_is_left_alone(stack: Stack) -> None:
    before = stack["live-1"].pid
    with pytest.raises(OperatorError, match="live-1 is the only one"):
        roll([member for member in members(stack) if member.program == "live-1"], print)
    assert stack["live-1"].pid == before
