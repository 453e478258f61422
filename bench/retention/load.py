"""What goes on while periods are retired: writers, readers, and a look at the replica's lag."""

import json
import random
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Event, Thread

import psycopg

from ops import demo_city

WRITERS = 3
POINTS = 20
PAUSE = 0.005
BEAT = 0.02
LON, LAT = demo_city.LON, demo_city.LAT
USER = "00000000-0000-4000-8000-000000000001"
_CLAIMS = json.dumps({"role": "authenticated", "sub": USER})
# A commit of its own every BEAT seconds, which waits for no lock: the last one that has been
# replayed tells the lag.
_BEAT = "select pg_logical_emit_message(true, 'beat', '')"
_LAG = "select extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())"


@dataclass
class Window:
    """What was seen in one window of time: seconds, unless it is a count."""

    inserts: list[float] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)
    reads: int = 0
    cancelled: int = 0

    @property
    def worst_insert(self) -> float:
        """Seconds of the slowest batch of POINTS points."""
        return max(self.inserts)

    @property
    def worst_lag(self) -> float:
        """Seconds the replica was behind at worst."""
        return max(self.lags)


@contextmanager
def load(primary: str, replica: str) -> Iterator[Window]:
    """Write to the primary and read from the replica all the while; both are conninfos of a
    superuser.
    """
    window, stop = Window(), Event()
    failures: list[BaseException] = []
    tasks: list[Callable[[], None]] = [
        *[lambda: _insert(primary, window, stop)] * WRITERS,
        lambda: _read(replica, window, stop),
        lambda: _watch_lag(primary, replica, window, stop),
    ]
    threads = [Thread(target=_guarded, args=(task, failures)) for task in tasks]
    for thread in threads:
        thread.start()
    try:
        yield window
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    if failures:
        raise failures[0]


@contextmanager
def long_transaction(conninfo: str, query: str, seconds: float) -> Iterator[Callable[[], bool]]:
    """A session that runs `query`, then keeps its transaction open until `seconds` have passed.

    Yields once the query has been answered. The value tells, after it has ended, whether it was
    cancelled.
    """
    began, outcome = Event(), []

    def work() -> None:
        try:
            with psycopg.connect(conninfo) as session:
                session.execute("set transaction isolation level repeatable read")
                session.execute(query)
                began.set()
                session.execute("select pg_sleep(%s)", [seconds])
                session.execute(query)
            outcome.append(False)
        except psycopg.Error:
            outcome.append(True)
        finally:
            began.set()

    thread = Thread(target=work)
    thread.start()
    began.wait()
    try:
        yield lambda: outcome[0]
    finally:
        thread.join()


def _guarded(task: Callable[[], None], failures: list[BaseException]) -> None:
    try:
        task()
    except BaseException as failure:
        failures.append(failure)


def _insert(conninfo: str, window: Window, stop: Event) -> None:
    with _caller(conninfo) as session:
        journey = uuid.uuid4()
        session.execute("select api.start_journey(%s, %s, %s)", [journey, LON, LAT])
        at = datetime.now(UTC) - timedelta(hours=1)
        # With a pause: on a machine whose cores are all taken, the worst insert is the scheduler's.
        while not stop.wait(PAUSE):
            points = json.dumps(
                [
                    {
                        "recorded_at": (at + timedelta(milliseconds=n)).isoformat(),
                        "lon": LON + random.uniform(0, 0.01),
                        "lat": LAT + random.uniform(0, 0.01),
                    }
                    for n in range(POINTS)
                ]
            )
            at += timedelta(milliseconds=POINTS)
            began = time.perf_counter()
            session.execute("select api.record_points(%s, %s)", [journey, points])
            window.inserts.append(time.perf_counter() - began)


def _read(conninfo: str, window: Window, stop: Event) -> None:
    """Calls of the API: pruned to few leaves, milliseconds each."""
    with _caller(conninfo) as session:
        while not stop.is_set():
            try:
                session.execute("select api.my_journeys()")
                session.execute("select api.crimes_near(%s, %s)", [LON, LAT])
                window.reads += 2
            except psycopg.errors.SerializationFailure:  # canceling: conflict with recovery
                window.cancelled += 1
            time.sleep(0.01)


def _watch_lag(primary: str, replica: str, window: Window, stop: Event) -> None:
    with (
        psycopg.connect(primary, autocommit=True) as writer,
        psycopg.connect(replica, autocommit=True) as reader,
    ):
        while not stop.is_set():
            writer.execute(_BEAT)
            time.sleep(BEAT)
            row = reader.execute(_LAG).fetchone()
            if row is not None and row[0] is not None:
                window.lags.append(float(row[0]))


@contextmanager
def _caller(conninfo: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(conninfo, autocommit=True) as session:
        session.execute("select set_config('request.jwt.claims', %s, false)", [_CLAIMS])
        session.execute("set role authenticated")
        yield session
