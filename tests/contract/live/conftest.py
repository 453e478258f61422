"""Two live gateways and an API over one database and one Redis Cluster."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.conftest import Primary
from tests.contract.serving import Api, bearer, database_to_serve, serve
from tests.contract.test_ingest import Walk, at, point, start
from tests.redis_cluster import TestCluster

# What raise_sos does in the end: an entry in an inbox, published where the API runs it.
ENTER = """
select core.add_inbox_entries(array[row(
    $1, null, gen_random_uuid(), null, $2, jsonb_build_object('type', 'alert', 'event', $2), now()
)::core.inbox_entries])
"""
NOTIFY = f"""
create function api.notify(person uuid, event text) returns void
language sql security definer set search_path = core, public as $${ENTER}$$;
alter function api.notify(uuid, text) owner to saferoute_api;
grant execute on function api.notify(uuid, text) to authenticated;
"""
SETTINGS = {"SAFEROUTE_API_PROCESSES": "5", "SAFEROUTE_CORS_ORIGINS": "https://app.example"}


@dataclass
class Town:
    """What is served."""

    database: psycopg.Connection
    processes: ExitStack
    """Ends what was started."""
    run: Callable[..., Api]
    """Starts one more gateway, with these settings."""
    api: Api = field(init=False)
    gateways: list[Api] = field(init=False)

    def notify(self, person: str, event: str) -> None:
        """Tell a person of an alert, through the API."""
        answer = httpx.post(
            self.api.rpc("notify"),
            json={"person": person, "event": event},
            headers=bearer(sub=person),
        )
        assert answer.status_code == 204, answer.text

    def notify_silently(self, person: str, event: str) -> None:
        """The same, but nobody publishes it: as where Redis is dead, or a worker does it."""
        text = ENTER.replace("$1", "%(person)s::uuid").replace("$2", "%(event)s::text")
        self.database.execute(text, {"person": person, "event": event})

    def walk(self) -> Walk:
        """A walk that has begun."""
        walk = Walk()
        start(self.database, [walk])
        return walk

    def post(self, walk: Walk, *points: dict[str, object]) -> None:
        """Record points of a walk."""
        body = walk.body(json.dumps(points))
        httpx.post(
            self.api.rpc("record_points"), content=body, headers=walk.headers
        ).raise_for_status()

    def share(self, walk: Walk, **more: object) -> dict[str, Any]:
        """A link to the walk."""
        answer = httpx.post(
            self.api.rpc("share_journey"),
            json={"journey_id": walk.journey_id, **more},
            headers=walk.headers,
        )
        found: dict[str, Any] = answer.raise_for_status().json()
        return found


@dataclass
class Client:
    """A watcher, as an app is one."""

    connection: ClientConnection
    hello: dict[str, Any] = field(default_factory=dict)

    def send(self, **frame: object) -> None:
        self.connection.send(json.dumps(frame))

    def next(self, seconds: float = 10) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.connection.recv(seconds))
        return found

    def events(self, count: int) -> list[tuple[int, str]]:
        """Number and event of the next alerts."""
        found = [self.next() for _ in range(count)]
        return [(alert["seq"], alert["event"]) for alert in found]

    def watch(self, topic: str, last_seq: int | None = None) -> dict[str, Any]:
        """Subscribe; the answer, or of a walk how it stands."""
        self.send(subscribe=topic, last_seq=last_seq)
        answer = self.next()
        assert answer["type"] == "subscribed", answer
        return self.next() if topic.startswith("journey:") else answer

    def code(self, seconds: float = 10) -> int:
        """The code it is closed with, whatever comes before."""
        deadline = time.monotonic() + seconds
        try:
            while True:
                self.connection.recv(deadline - time.monotonic())
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006


@pytest.fixture(scope="package")
def town(primary: Primary, template: Any, redis_cluster: TestCluster) -> Iterator[Town]:
    settings = {**SETTINGS, **redis_cluster.settings}
    with ExitStack() as stack:
        database = stack.enter_context(database_to_serve(primary, template, "live"))
        database.execute(NOTIFY)

        def run(module: str = "api.live", **more: str) -> Api:
            served = serve([primary.port], "live", primary.password, module, **{**settings, **more})
            return town.processes.enter_context(served)

        town = Town(database, stack, run)
        town.api, town.gateways = run("api"), [run(), run()]
        yield town


@pytest.fixture(autouse=True)
def ended(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test has started ends with it: there are places for five processes."""
    if "town" not in request.fixturenames:
        yield
        return
    town: Town = request.getfixturevalue("town")
    package = town.processes
    with ExitStack() as town.processes:
        yield
    town.processes = package


@pytest.fixture
def person() -> str:
    return str(uuid.uuid4())


@pytest.fixture
def join(town: Town) -> Iterator[Callable[..., Client]]:
    """Connects a person, or whoever has this Authorization header, to a gateway."""
    with ExitStack() as stack:

        def joined(
            person: str | None = None,
            gateway: int | Api = 0,
            headers: dict[str, str] | None = None,
            **options: Any,
        ) -> Client:
            at = town.gateways[gateway] if isinstance(gateway, int) else gateway
            connection = stack.enter_context(
                connect(
                    f"{at.url}/live",
                    additional_headers=headers or (bearer(sub=person) if person else {}),
                    compression=None,
                    **options,
                )
            )
            return Client(connection)

        yield joined


def recent(**back: float) -> dict[str, object]:
    """A point recorded so long ago."""
    return point(at(**back))
