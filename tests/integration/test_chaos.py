"""Retire and restore beside ingest, killed at random moments: no row is lost, none is doubled."""

import contextlib
import io
import json
import multiprocessing
import os
import random
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from common.settings import settings
from ops import archive, command, upkeep
from tests.conftest import conninfo
from tests.upkeep import POINTS, day, fingerprint, make_day, upkeep_of

CYCLES = 20
SEED = 20261123
START = day(5)
PERIOD = f"{START:%Y-%m-%d}"
MAINTAIN = ("partitions", "maintain")
RESTORE = ("partitions", "restore", "journey_points", PERIOD, "--keep-days", "0")

# Forked from a process that has everything loaded: a start costs 20 ms and not 600.
processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["ops.command"])


def run_command(environment: dict[str, str], arguments: tuple[str, ...], log: str) -> None:
    """The body of a process that is `saferoute` with these arguments."""
    os.environ.update(environment)
    settings.cache_clear()
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        try:
            command.app(arguments, standalone_mode=False)
        except Exception as error:
            Path(log).write_text(str(error))
            os._exit(2)


class Commands:
    """Runs `saferoute`, to its end or until it is killed."""

    def __init__(self, db: psycopg.Connection, environment: dict[str, str], log: Path) -> None:
        self.db, self.environment, self.log = db, environment, log
        self.seconds: dict[tuple[str, ...], float] = {}

    def start(self, arguments: tuple[str, ...]) -> multiprocessing.process.BaseProcess:
        # The server notices within a second that a killed session's client is gone.
        alive = (
            "select exists (select from pg_stat_activity where application_name like 'saferoute %')"
        )
        while self.db.execute(alive).fetchone() == (True,):
            pass
        process = processes.Process(
            target=run_command, args=(self.environment, arguments, str(self.log))
        )
        process.start()
        return process

    def finish(self, arguments: tuple[str, ...]) -> None:
        begun = time.monotonic()
        process = self.start(arguments)
        process.join()
        took = time.monotonic() - begun
        self.seconds[arguments] = min(took, self.seconds.get(arguments, took))
        assert process.exitcode == 0, self.log.read_text()

    def kill(self, arguments: tuple[str, ...], moment: float) -> bool:
        """Kill it after this part of the shortest time it took; whether it was still at work."""
        process = self.start(arguments)
        process.join(moment * self.seconds[arguments])
        assert process.pid is not None
        killed = process.is_alive()
        process.kill()
        process.join()
        return killed and process.exitcode == -signal.SIGKILL


class Walker:
    """A phone that uploads points of today, and late ones of the day that comes and goes."""

    def __init__(self, db: psycopg.Connection) -> None:
        self.journey, self.user = uuid.uuid4(), uuid.uuid4()
        self.sent: list[datetime] = []
        self.stopped = threading.Event()
        self.conninfo = conninfo(db)
        db.execute(
            "insert into core.journeys (journey_id, user_id, cell, started_at, origin)"
            " select %s, %s, 'dqcjr', %s, st_point(-77.03, 38.91, 4326)",
            [self.journey, self.user, START],
        )
        self.thread = threading.Thread(target=self.upload)

    def upload(self) -> None:
        with psycopg.connect(self.conninfo, autocommit=True) as session:
            number = 0
            while not self.stopped.wait(0.01):
                number += 1
                late = START + timedelta(hours=12, milliseconds=number)
                times = [datetime.now(UTC), late]
                points = [
                    {"recorded_at": at.isoformat(), "lon": -77.03, "lat": 38.91} for at in times
                ]
                self.send(session, json.dumps(points))
                self.sent += times

    def send(self, session: psycopg.Connection, points: str) -> None:
        """Until it is accepted, as a phone does: the day may leave while a batch is stored."""
        for _ in range(10):
            with contextlib.suppress(psycopg.errors.CheckViolation):
                session.execute(
                    "select core.record_points(%s, %s, %s)", [self.user, self.journey, points]
                )
                return
        raise AssertionError("ten times refused")

    def stored(self, db: psycopg.Connection) -> list[datetime]:
        query = "select recorded_at from core.journey_points where journey_id = %s order by 1"
        return [at for (at,) in db.execute(query, [self.journey])]


@pytest.fixture
def commands(db: psycopg.Connection, tmp_path: Path) -> Iterator[Commands]:
    """A set in which one day is due, time and again."""
    db.autocommit = True
    db.execute("set timezone = 'UTC'")
    behind = "select period::text from core.periods(%s::regclass) where upper_bound < now()"
    for (period,) in db.execute(behind, [POINTS]).fetchall():
        db.execute(f"drop table {period}")
    db.execute(
        "update partman.part_config set retention = '3 days' where parent_table = %s", [POINTS]
    )
    make_day(db, START, 3000)
    with upkeep_of(db, tmp_path / "archive") as environment:
        yield Commands(db, environment, tmp_path / "log")


def test_no_row_is_lost_or_doubled(db: psycopg.Connection, commands: Commands) -> None:
    chance = random.Random(SEED)
    killed_in = set(chance.sample(range(1, CYCLES), CYCLES // 2))
    print(f"seed {SEED}")
    before = fingerprint(db, POINTS)
    walkers = [Walker(db) for _ in range(2)]
    for walker in walkers:
        walker.thread.start()
    kills = 0
    try:
        for cycle in range(CYCLES):
            for step in (MAINTAIN, RESTORE):
                if cycle in killed_in:
                    kills += commands.kill(step, chance.random())
                commands.finish(step)
                state = state_of_the_day(db)
                assert state == ("archived" if step == MAINTAIN else "attached")
            assert first_rows(db, walkers) == before
    finally:
        for walker in walkers:
            walker.stopped.set()
            walker.thread.join()
    assert kills >= CYCLES // 2
    db.execute("update core.partition_archives set keep_until = now() + interval '1 day'")
    commands.finish(MAINTAIN)
    for walker in walkers:
        assert walker.stored(db) == sorted(walker.sent)
    assert fingerprint(db, "core.point_quarantine")[0] == 0
    with upkeep.connect() as owner:
        (kept,) = archive.archives(owner, POINTS)
        archive.verify(kept)


def state_of_the_day(db: psycopg.Connection) -> str:
    return db.execute(
        "select state from ops.partition_periods"
        " where lower_bound = %s and parent = 'core.journey_points'::regclass",
        [START],
    ).fetchone()[0]


def first_rows(db: psycopg.Connection, walkers: list[Walker]) -> tuple[int, str]:
    """What the day held before the walkers began."""
    ours = ",".join(f"'{walker.journey}'" for walker in walkers)
    return fingerprint(db, f"(select * from core.journey_points where journey_id not in ({ours}))")
