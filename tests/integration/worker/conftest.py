"""Workers as operators run them: real Celery processes on a real database."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from common.settings import REPOSITORY
from ops import schema
from tests.conftest import Primary, conninfo

PROBE = """
create table probes (note text, at timestamptz not null default clock_timestamp());
grant insert on probes to worker;
"""


@dataclass
class Workers:
    """Starts worker processes on one database."""

    db: psycopg.Connection
    environment: dict[str, str]
    folder: Path
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def start(
        self, queue: str, program: str = "worker", **settings: str
    ) -> "subprocess.Popen[bytes]":
        """One that works off the queue (or `beat`); not waited for."""
        log = self.folder / f"{queue}-{len(self.processes)}.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", program, queue],
                cwd=REPOSITORY,
                env={**self.environment, **settings},
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def probes(self) -> list[str]:
        """What probes have told, in order."""
        return [note for (note,) in self.db.execute("select note from probes order by at")]

    def enqueue(self, queue: str, task: str, *arguments: object) -> None:
        self.db.execute(
            "select core.enqueue_task(%s, %s, %s)", [queue, task, json.dumps(arguments)]
        )

    def logs(self) -> str:
        return "".join(path.read_text() for path in sorted(self.folder.glob("*.log")))


@pytest.fixture
def workers(db: psycopg.Connection, primary: Primary, tmp_path: Path) -> Iterator[Workers]:
    schema.set_passwords(conninfo(db), {"worker": primary.password})
    db.autocommit = True
    db.execute(PROBE)
    environment = {
        "PATH": os.environ["PATH"],
        "SAFEROUTE_ENV_FILE": os.devnull,
        "SAFEROUTE_DATABASE_HOSTS": f"127.0.0.1:{primary.port}",
        "SAFEROUTE_DATABASE": db.info.dbname,
        "SAFEROUTE_WORKER_PASSWORD": primary.password,
    }
    found = Workers(db, environment, tmp_path)
    yield found
    for process in found.processes:
        process.kill()
        process.wait()
    sys.stderr.write(found.logs())


def wait_until(holds: Callable[[], bool], seconds: float = 20) -> None:
    """Return once it holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold"
        time.sleep(0.02)


def end_sessions(db: psycopg.Connection) -> None:
    """Cut what workers have to the database, and wait until it is cut."""
    gone = "from pg_stat_activity where usename = 'worker' and datname = current_database()"
    db.execute(f"select pg_terminate_backend(pid) {gone}")
    wait_until(lambda: db.execute(f"select count(*) {gone}").fetchone() == (0,))
