"""The whole platform for a benchmark: durable servers, Redis Cluster, processes, stand-ins."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg

from bench.consistency.servers import pair
from bench.redis import bench_redis
from bench.report import REPOSITORY
from ops import schema
from tests.fixtures.stand_ins import StandIns
from tests.ha.people import LAT, LON, People, settle
from tests.ha.stack import Stack, stack_on
from tests.redis_cluster import TestCluster

WALKERS, ACCOUNTS = 200, 100
CHANNELS = ["live", "sms", "email"]
CONTACTS = [("sms", 0), ("email", 1), ("sms", None)]


@dataclass
class Platform:
    """Everything that runs, and who uses it."""

    db: psycopg.Connection
    redis: TestCluster
    stack: Stack
    people: People
    services: StandIns
    """Where the stand-ins are; they run in a process of their own."""
    journeys: list[tuple[str, str]]
    """Of people who walk and do not call: (person, journey)."""

    def records(self) -> list[dict[str, Any]]:
        """What the stand-ins have got."""
        found: list[dict[str, Any]] = httpx.get(f"{self.services.url}/records", timeout=120).json()
        return found


class Helper:
    """A process of the benchmark that is told by lines and tells by lines."""

    def __init__(self, module: str, *words: str) -> None:
        """Start `python -m module words`."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *words],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def say(self, what: Any) -> None:
        """One line of JSON."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()

    def heard(self) -> str:
        """The next line; waits for it."""
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def told(self) -> Any:
        """The next line as JSON; waits for it."""
        return json.loads(self.heard())

    def result(self) -> Any:
        """What it tells once it is told no more."""
        told, _ = self._process.communicate()
        return json.loads(told)

    def kill(self) -> None:
        """End it, if it runs."""
        self._process.kill()
        self._process.wait()


@contextmanager
def platform(folder: Path) -> Iterator[Platform]:
    """Start it; killed and removed at the end."""
    with stand_ins() as services, bench_redis() as redis, pair() as servers:
        primary = servers.primary
        schema.set_passwords(primary.conninfo(), {"worker": primary.password})
        with psycopg.connect(primary.conninfo(), autocommit=True) as db:
            people = settle(db, WALKERS, ACCOUNTS, channels=CHANNELS, contacts=CONTACTS)
            journeys = walks(db)
            # What a call costs is the question here, and not how many one address may make.
            db.execute("delete from core.rate_limits")
            db.execute("vacuum analyze")
            ports = [primary.port, servers.standby_port]
            with stack_on(
                ports, "saferoute", primary.password, redis, folder, **services.settings
            ) as stack:
                yield Platform(db, redis, stack, people, services, journeys)


@contextmanager
def stand_ins() -> Iterator[StandIns]:
    """Stand-ins in a process of their own, so that they take nobody's time but the machine's."""
    described = StandIns()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.fixtures"),
            *("--port", str(described.port), "--smtp-port", str(described.smtp_port)),
        ],
        cwd=REPOSITORY,
        env=os.environ,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield described
    finally:
        process.kill()
        process.wait()


def walks(db: psycopg.Connection) -> list[tuple[str, str]]:
    """People with a journey each."""
    found = [(str(uuid.uuid4()), str(uuid.uuid4())) for _ in range(500)]
    db.cursor().executemany(
        "insert into core.journeys (journey_id, user_id, cell, started_at, origin)"
        " select %s, %s, st_geohash(p, 5), now(), p from st_point(%s, %s, 4326) as p",
        [(journey, person, LON, LAT) for person, journey in found],
    )
    return found


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
