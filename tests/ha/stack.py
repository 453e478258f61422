"""The platform as processes that can be killed and started again: API, live gateways, workers and
beat, over servers that run already.
"""

import base64
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from common.settings import REPOSITORY
from ops.cluster import free_port
from tests.redis_cluster import TestCluster

SECRET = "the-secret-of-the-tests-that-kill-0123456789"
VAPID_KEY = base64.urlsafe_b64encode(bytes(range(32))).decode().rstrip("=")


@dataclass
class Process:
    """One process, which need not run."""

    name: str
    module: str
    words: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    is_ready: Callable[[], bool] = lambda: True
    running: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Start it; not waited for."""
        with self.log.open("ab") as stream:
            self.running = subprocess.Popen(
                [sys.executable, "-m", self.module, *self.words],
                cwd=REPOSITORY,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                # With what it forks it is one group.
                start_new_session=True,
            )

    def wait(self, seconds: float = 30) -> None:
        """Return once it is ready."""
        deadline = time.monotonic() + seconds
        while not self.is_ready():
            assert self.running is not None
            assert self.running.poll() is None, f"{self.name}: {self.log.read_text()[-2000:]}"
            assert time.monotonic() < deadline, f"{self.name} did not become ready"
            time.sleep(0.02)

    def kill(self) -> None:
        """End it as a crash would (SIGKILL), with what it has forked."""
        assert self.running is not None
        os.killpg(self.running.pid, signal.SIGKILL)
        self.running.wait()
        self.running = None

    def restart(self) -> None:
        """Start it again after it was killed; return once it is ready."""
        self.start()
        self.wait()

    @property
    def pid(self) -> int:
        """While it runs."""
        assert self.running is not None
        return self.running.pid


@dataclass
class Stack:
    """All processes by name: api-1, live-1, alarm-1, ..., beat."""

    environment: dict[str, str]
    folder: Path
    processes: dict[str, Process] = field(default_factory=dict)
    apis: list[str] = field(default_factory=list)
    """Addresses of the API processes."""
    gateways: list[str] = field(default_factory=list)
    """Addresses of the live gateways, for watchers."""

    def __getitem__(self, name: str) -> Process:
        return self.processes[name]

    def add_api(self) -> None:
        """One more process of the API."""
        port = free_port()
        self.apis.append(f"http://127.0.0.1:{port}")
        self._add("api", "api", [], SAFEROUTE_API_PORT=str(port))

    def add_gateway(self) -> None:
        """One more live gateway."""
        port = free_port()
        self.gateways.append(f"ws://127.0.0.1:{port}/live")
        self._add("live", "api.live", [], SAFEROUTE_LIVE_PORT=str(port))

    def add_worker(self, queue: str) -> None:
        """One more worker of a queue (or `beat`)."""
        self._add(queue, "worker", [queue])

    def _add(self, kind: str, module: str, words: Sequence[str], **own: str) -> None:
        name = f"{kind}-{1 + sum(name.startswith(f'{kind}-') for name in self.processes)}"
        environment = {**self.environment, **own}
        is_ready: Callable[[], bool] = lambda: True  # noqa: E731
        if module != "worker":
            admin = environment["SAFEROUTE_ADMIN_PORT"] = str(free_port())
            is_ready = lambda: _is_ready(f"http://127.0.0.1:{admin}/ready")  # noqa: E731
        self.processes[name] = Process(
            name, module, words, environment, self.folder / f"{name}.log", is_ready
        )

    def start(self) -> None:
        """Start all; return once those are ready that are asked something."""
        for process in self.processes.values():
            process.start()
        for process in self.processes.values():
            process.wait()

    def end(self) -> None:
        """Kill what runs."""
        for process in self.processes.values():
            if process.running is not None:
                process.kill()

    def logs(self) -> str:
        """What all have written, for whoever looks for a cause."""
        return "".join(
            f"--- {name}\n{process.log.read_text()[-4000:]}"
            for name, process in self.processes.items()
            if process.log.exists()
        )


@contextmanager
def stack_on(
    servers: Sequence[int],
    database: str,
    password: str,
    redis: TestCluster,
    folder: Path,
    **settings: str,
) -> Iterator[Stack]:
    """Two API processes, two live gateways, two workers of alarms, one of other messages, and beat;
    killed at the end. `servers` are ports of PostgreSQL, all of whose roles have this password.
    """
    stack = Stack(
        {
            "PATH": os.environ["PATH"],
            "SAFEROUTE_ENV_FILE": os.devnull,
            "SAFEROUTE_DATABASE_HOSTS": ",".join(f"127.0.0.1:{port}" for port in servers),
            "SAFEROUTE_DATABASE": database,
            "SAFEROUTE_DATABASE_CONNECTIONS": "60",
            "SAFEROUTE_API_PROCESSES": "4",
            "SAFEROUTE_AUTHENTICATOR_PASSWORD": password,
            "SAFEROUTE_WORKER_PASSWORD": password,
            "SAFEROUTE_JWT_SECRET": SECRET,
            "SAFEROUTE_DRAIN_S": "0",
            "SAFEROUTE_VAPID_PRIVATE_KEY": VAPID_KEY,
            "SAFEROUTE_VAPID_CONTACT": "mailto:ops@saferoute.example",
            # Nobody pays for what stand-ins take.
            "SAFEROUTE_TWILIO_PER_SECOND": "1000",
            **redis.settings,
            **settings,
        },
        folder,
    )
    for _ in range(2):
        stack.add_api()
        stack.add_gateway()
        stack.add_worker("alarm")
    stack.add_worker("default")
    stack.add_worker("beat")
    try:
        stack.start()
        yield stack
    finally:
        stack.end()
        sys.stderr.write(stack.logs())


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1).status_code == 200
    except httpx.TransportError:
        return False
