"""nginx in front of two API processes, which can be killed and started again."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import httpx
import pytest

from ops.cluster import free_port
from tests.conftest import Primary, wait_for_replay
from tests.contract.serving import Api, serve
from tests.nginx import Front, running_gateway

BURST, CALLS_AT_ONCE = 20, 8


@dataclass
class Apis:
    """API processes by their ports."""

    start_one: Callable[[int], contextlib.AbstractContextManager[Api]]
    ports: tuple[int, ...]
    running: dict[int, Api] = field(default_factory=dict)
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def start(self, port: int) -> None:
        self.running[port] = self._stack.enter_context(self.start_one(port))

    def kill(self, port: int) -> None:
        """As a crash would."""
        process = self.running.pop(port).process
        process.kill()
        process.wait()

    def heal(self) -> None:
        for port in set(self.ports) - self.running.keys():
            self.start(port)

    def close(self) -> None:
        self._stack.close()


@pytest.fixture(scope="package")
def started(database, primary: Primary, standby: Primary) -> Iterator[Apis]:
    wait_for_replay(primary, standby)

    def start_one(port: int) -> contextlib.AbstractContextManager[Api]:
        return serve(
            [primary.port, standby.port],
            "contract",
            primary.password,
            SAFEROUTE_API_PORT=str(port),
            SAFEROUTE_API_PROCESSES="3",  # the package's own API is one
            SAFEROUTE_TRUSTED_PROXIES="127.0.0.1",
        )

    apis = Apis(start_one, (free_port(), free_port()))
    try:
        apis.heal()
        yield apis
    finally:
        apis.close()


@pytest.fixture
def apis(started: Apis) -> Iterator[Apis]:
    """Two of them, whatever a test does."""
    yield started
    started.heal()


@pytest.fixture(scope="package")
def front(started: Apis) -> Iterator[Front]:
    """A gateway whose limits no test reaches."""
    with running_gateway(api=started.ports, calls_per_s=10_000, burst=10_000) as running:
        yield running


@pytest.fixture(scope="package")
def strict_front(started: Apis) -> Iterator[Front]:
    """A gateway whose limits are reached at once, and for long."""
    limits = {"calls_per_s": 1, "burst": BURST, "connections": CALLS_AT_ONCE}
    with running_gateway(api=started.ports, **limits) as running:
        yield running


@pytest.fixture
def caller(front: Front) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=front.url, timeout=30) as client:
        yield client
