"""Clients of the platform, as processes of their own outside it, that write down all they see.

`Workload` runs those of `tests.ha.clients` and ends them. What they do stands in
`FOLDER/plan.json`, what they see is told by `tests.ha.history`.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psycopg

from common.settings import REPOSITORY
from tests.ha.history import History, Reader

KINDS = ("watch", "sos", "points", "journeys", "reads", "direct")
"""The processes. Watchers are the first to start, and see to the end what the others have done."""
END_S = 30.0
"""How long a client that is told to stop has for the call it is making."""


@dataclass(frozen=True)
class Plan:
    """What the clients do."""

    public: str
    """Address that all calls go to, as http://10.77.0.20; watchers find /live below it."""
    secret: str
    """Key of their tokens."""
    walkers: list[str]
    accounts: list[str]
    """Who watches."""
    servers: dict[str, str] = field(default_factory=dict)
    """For the direct writers: connection string of the superuser to each PostgreSQL server."""
    authority: str | None = None
    """File of whoever has certified the public address, where that is not known to everybody."""
    sos: int = 3
    """How many call for help, each one call after the other."""
    points: int = 2
    journeys: int = 2
    reads: int = 2
    pause_s: float = 0.1
    """That each makes between two calls."""

    def write(self, folder: Path) -> None:
        """For the processes; it holds passwords."""
        path = folder / "plan.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def of(cls, folder: Path) -> "Plan":
        return cls(**json.loads((folder / "plan.json").read_text()))


class Workload:
    """A context manager: the clients run until it ends."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        """`folder` is new, and gets the journals."""
        self._plan = plan
        self._folder = folder
        self._reader = Reader(folder)
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "Workload":
        self._plan.write(self._folder)
        authority = self._plan.authority
        trusted = {"SSL_CERT_FILE": authority} if authority else {}
        for kind in KINDS:
            with (self._folder / f"{kind}.log").open("ab") as log:
                # If the tests themselves are killed, nobody would end it.
                command = ["setpriv", "--pdeathsig", "TERM", "--", sys.executable]
                command += ["-m", "tests.ha.clients", kind, str(self._folder)]
                process = subprocess.Popen(
                    command,
                    cwd=REPOSITORY,
                    env={**os.environ, **trusted},
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
                self._processes.append(process)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._stop(self._processes)

    def stop(self) -> None:
        """No further calls; return once those on their way have ended. Watchers go on."""
        self._stop(self._processes[1:])

    def history(self) -> History:
        """All so far."""
        return self._reader.read()

    def wait_for(self, is_so: Callable[[History], bool], what: str, seconds: float = 60) -> History:
        """Return once the history is so."""
        deadline = time.monotonic() + seconds
        while not is_so(found := self.history()):
            assert time.monotonic() < deadline, f"after {seconds:g} s there is still not {what}"
            for process in self._processes:
                assert process.poll() in (None, 0), f"a client has failed: see {self._folder}"
            time.sleep(0.1)
        return found

    def wait_for_calls(self, since: float, number: int = 5, seconds: float = 60) -> History:
        """Return once so many calls of each kind were begun after `since` and acknowledged."""

        def is_so(found: History) -> bool:
            new = [call for call in found.calls if call.began > since and call.is_acknowledged]
            kinds = [call.kind for call in new]
            return all(kinds.count(kind) >= number for kind in self._kinds())

        return self.wait_for(is_so, "an answer to every kind of call", seconds)

    def wait_until_shown(self, inboxes: dict[str, list[int]], seconds: float = 60) -> History:
        """Return once every watcher has been shown all that is in their inbox."""
        expected = {(who, seq) for who in self._plan.accounts for seq in inboxes.get(who, ())}

        def is_so(found: History) -> bool:
            return expected <= {(each.account, each.seq) for each in found.shown}

        return self.wait_for(is_so, "every alert shown", seconds)

    def _kinds(self) -> list[str]:
        kinds = ["sos", "points", "journey", "read", "browse"]
        return [*kinds, "direct"] if self._plan.servers else kinds

    def _stop(self, processes: list[subprocess.Popen[bytes]]) -> None:
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in processes:
            try:
                process.wait(END_S + 10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def prepare(db: psycopg.Connection) -> None:
    """What the direct writers write to; `db` is a connection of the superuser to the primary."""
    db.execute("create schema if not exists faults")
    db.execute("create table if not exists faults.direct_writes (id uuid primary key)")
