"""Clients of the platform: `python -m tests.ha.clients KIND FOLDER` is one process of them, until
SIGTERM. Each call that they make, and each try of it, is written down.
"""

import asyncio
import contextlib
import random
import signal
import sys
import time
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg

from tests.ha import history
from tests.ha.history import ACKNOWLEDGED, REFUSED, UNKNOWN, Journal
from tests.ha.people import LAT, LON, token
from tests.ha.watchers import Watcher
from tests.ha.workload import END_S, Plan

TRY_S = 3.0
"""How long a client waits for an answer before it asks again."""
PATIENCE_S = 60.0
"""How long it goes on trying the same call."""
BUSY = (429, 503)
"""Statuses that ask to be asked again."""
TOKEN = "x-consistency-token"
_REMEMBERED = 10  # journeys that a read must show: my_journeys gives 20


class Client:
    """One process of clients: what they share."""

    def __init__(self, plan: Plan, journal: Journal) -> None:
        self.plan = plan
        self.journal = journal
        self.is_over = asyncio.Event()
        self._http = httpx.AsyncClient(base_url=plan.public, timeout=TRY_S)

    async def call(self, kind: str, key: str, request: Callable[[], httpx.Request]) -> "Answer":
        """Try until there is an answer that does not ask to be asked again."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            answer = await self._try(kind, key, request())
            if answer.is_final or time.monotonic() > deadline:
                return answer
            await asyncio.sleep(random.uniform(0.05, 0.3))

    async def _try(self, kind: str, key: str, request: httpx.Request) -> "Answer":
        sent = {"sent": value} if (value := request.headers.get(TOKEN)) else {}
        number = self.journal.began(kind, key, **sent)
        try:
            # httpx's own times are per read: together they may be longer.
            async with asyncio.timeout(TRY_S):
                response = await self._http.send(request)
        except (httpx.HTTPError, TimeoutError) as error:
            self.journal.ended(number, UNKNOWN, code=type(error).__name__)
            return Answer(number, None)
        if response.is_success:
            return Answer(number, response, is_final=True)
        status, code = response.status_code, error_code(response)
        self.journal.ended(number, REFUSED, status=status, code=code)
        return Answer(number, None, is_final=status not in BUSY)

    def acknowledged(self, answer: "Answer", **more: Any) -> None:
        """Write down that the answer is yes, and what it says."""
        if answer.response is None:
            return
        if (value := answer.response.headers.get(TOKEN)) is not None:
            more["timeline"] = int(value.partition("-")[0])
        self.journal.ended(answer.number, ACKNOWLEDGED, status=answer.response.status_code, **more)

    def post(self, function: str, walker: str, body: dict[str, Any]) -> httpx.Request:
        """A call of /rpc."""
        headers = {"authorization": f"Bearer {token(walker, self.plan.secret)}"}
        return self._http.build_request("POST", f"/rpc/{function}", json=body, headers=headers)

    def get(self, function: str, walker: str, consistency: str | None) -> httpx.Request:
        """A read of /rpc, that sees what the token is of."""
        headers = {"authorization": f"Bearer {token(walker, self.plan.secret)}"}
        headers |= {TOKEN: consistency} if consistency is not None else {}
        return self._http.build_request("GET", f"/rpc/{function}", headers=headers)

    async def pause(self) -> None:
        """Between two calls."""
        await asyncio.sleep(self.plan.pause_s * random.uniform(0.5, 1.5))


@dataclass(frozen=True)
class Answer:
    """Of a try: the response where it is good."""

    number: int
    response: httpx.Response | None
    is_final: bool = False


def error_code(response: httpx.Response) -> str | None:
    """What the body of an error names."""
    try:
        return str(response.json()["code"])
    except (ValueError, KeyError, TypeError):
        return None


async def call_for_help(client: Client, number: int) -> None:
    """One call for help after another, each under an id that its client makes."""
    walkers = client.plan.walkers[number :: client.plan.sos]
    while not client.is_over.is_set():
        walker, alert_id = random.choice(walkers), str(uuid.uuid4())
        body = {"alert_id": alert_id, "lon": LON, "lat": LAT, "message": "Help"}
        answer = await client.call(
            "sos", alert_id, lambda w=walker, b=body: client.post("raise_sos", w, b)
        )
        client.acknowledged(answer)
        await client.pause()


async def send_points(client: Client, number: int) -> None:
    """A walk whose positions are sent one by one."""
    walker = client.plan.walkers[number]
    journey_id = str(uuid.uuid4())
    await start(client, walker, journey_id)
    while not client.is_over.is_set():
        at = datetime.now(UTC)
        key = f"{journey_id} {round(at.timestamp() * 1_000_000)}"
        point = {"recorded_at": at.isoformat(), "lon": LON, "lat": LAT}
        body = {"journey_id": journey_id, "points": [point]}
        answer = await client.call(
            "points", key, lambda b=body: client.post("record_points", walker, b)
        )
        if answer.response is not None and answer.response.json()["quarantined"]:
            client.journal.ended(answer.number, REFUSED, code="quarantined")
        else:
            client.acknowledged(answer)
        await client.pause()


async def walk(client: Client, number: int) -> None:
    """Ordinary writes that may be repeated, and reads that must show them."""
    walkers = client.plan.walkers[number :: client.plan.journeys]
    made: dict[str, list[str]] = {}
    for turn in range(sys.maxsize):
        if client.is_over.is_set():
            return
        walker, journey_id = walkers[turn % len(walkers)], str(uuid.uuid4())
        mine = made.setdefault(walker, [])
        consistency = await start(client, walker, journey_id)
        if consistency is not None:
            mine.append(journey_id)
            await read(client, walker, consistency, mine[-_REMEMBERED:])
        await client.pause()


async def browse(client: Client, number: int) -> None:
    """Reads that may be a little behind, one after another."""
    walkers = client.plan.walkers[number :: client.plan.reads]
    while not client.is_over.is_set():
        await read(client, random.choice(walkers), None, [])
        await client.pause()


async def start(client: Client, walker: str, journey_id: str) -> str | None:
    """Begin a journey; the token of the answer, if it has one."""
    # The time is the client's, so that the newest journey is the newest to every server.
    body = {"journey_id": journey_id, "from_lon": LON, "from_lat": LAT}
    body["started_at"] = datetime.now(UTC).isoformat()
    answer = await client.call(
        "journey", journey_id, lambda: client.post("start_journey", walker, body)
    )
    client.acknowledged(answer)
    return None if answer.response is None else answer.response.headers.get(TOKEN)


async def read(client: Client, walker: str, consistency: str | None, expected: list[str]) -> None:
    """The newest journeys."""
    kind = "browse" if consistency is None else "read"
    answer = await client.call(
        kind, str(uuid.uuid4()), lambda: client.get("my_journeys", walker, consistency)
    )
    if answer.response is not None:
        found = {each["journey_id"] for each in answer.response.json()}
        client.acknowledged(answer, missing=[key for key in expected if key not in found])


async def write_directly(client: Client, number: int) -> None:
    """To one PostgreSQL server, whatever it is, with `synchronous_commit = local`: only whether
    the server takes itself for the primary decides.
    """
    name, conninfo = sorted(client.plan.servers.items())[number]
    query = """insert into faults.direct_writes (id) values (%s)
        returning ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int"""
    connection: psycopg.AsyncConnection[Any] | None = None
    while not client.is_over.is_set():
        key = str(uuid.uuid4())
        entry = client.journal.began("direct", key, server=name)
        try:
            async with asyncio.timeout(TRY_S):
                connection = connection or await psycopg.AsyncConnection.connect(
                    conninfo, autocommit=True, options="-c synchronous_commit=local"
                )
                row = await (await connection.execute(query, [key])).fetchone()
            assert row is not None
            client.journal.ended(entry, ACKNOWLEDGED, timeline=row[0])
        except psycopg.errors.ReadOnlySqlTransaction:
            client.journal.ended(entry, REFUSED, code="25006")
        except (psycopg.Error, TimeoutError) as error:
            code = getattr(error, "sqlstate", None) or type(error).__name__
            client.journal.ended(entry, UNKNOWN, code=code)
            connection = await _closed(connection)
        await client.pause()
    await _closed(connection)


async def _closed(connection: "psycopg.AsyncConnection[Any] | None") -> None:
    """End a connection whose server may be gone."""
    if connection is not None:
        with contextlib.suppress(psycopg.Error, TimeoutError):
            async with asyncio.timeout(1):
                await connection.close()


async def watch(client: Client, number: int) -> None:
    """Somebody who watches in the app until they are told to stop."""
    account = client.plan.accounts[number]
    client.journal.began("watch", account)
    watcher = Watcher(
        account,
        client.plan.secret,
        lambda alert: client.journal.shown(account, alert.seq, alert.alert_id, alert.event),
    )
    url = client.plan.public.replace("http", "ws", 1) + "/live"
    watching = asyncio.create_task(watcher.watch(url))
    over = asyncio.create_task(client.is_over.wait())
    await asyncio.wait([watching, over], return_when=asyncio.FIRST_COMPLETED)
    over.cancel()
    if watching.done():
        await watching
    watching.cancel()


Task = Callable[[Client, int], Coroutine[Any, Any, None]]
CLIENTS: dict[str, tuple[Task, Callable[[Plan], int]]] = {
    "watch": (watch, lambda plan: len(plan.accounts)),
    "sos": (call_for_help, lambda plan: plan.sos),
    "points": (send_points, lambda plan: plan.points),
    "journeys": (walk, lambda plan: plan.journeys),
    "reads": (browse, lambda plan: plan.reads),
    "direct": (write_directly, lambda plan: len(plan.servers)),
}
"""Each kind of KINDS, and how many clients it is."""


async def main(kind: str, folder: Path) -> None:
    """One process."""
    plan = Plan.of(folder)
    client = Client(plan, history.journal(folder, kind))
    task, number = CLIENTS[kind]
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, client.is_over.set)
    running = [asyncio.create_task(task(client, each)) for each in range(number(plan))]
    over = asyncio.create_task(client.is_over.wait())
    # None ends by itself, unless it fails.
    await asyncio.wait([over, *running], return_when=asyncio.FIRST_COMPLETED)
    over.cancel()
    async with asyncio.timeout(END_S):
        await asyncio.gather(*running)


if __name__ == "__main__":
    # Nobody who stops the tests by Ctrl-C stops these before they are told.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
