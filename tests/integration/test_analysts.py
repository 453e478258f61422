"""Analysts read for hours on a standby of their own, and maintenance holds up no call meanwhile."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from ops import schema
from ops.cluster import Server, free_port
from ops.standby import analysts_standby
from tests.command import owners_environment, saferoute
from tests.conftest import Primary, wait_for_replay

DATABASE = "analysed"
MAX_LAG_S = 1.0
"""How far the API's replica may be behind at any moment of the maintenance."""
MONTHS = ["2016-01-01", "2016-02-01", "2016-03-01"]
LATER = "2016-05-01"
CRIMES = """
insert into core.crime_data
    (source, source_id, occurred_at, cell, time_precision, category, published_category, geom)
select 'test', n, %s, 'dqcjp', 'exact', 'theft', 'x', st_point(-77.01, 38.87, 4326)
from generate_series(1, 1000) as n
"""
CITY = """
insert into core.cities (name, time_zone, utm_srid, walkable_bounds)
values ('Test', 'UTC', 32618, st_makeenvelope(-77.1, 38.8, -77.0, 38.9, 4326));
insert into core.crime_coverage (source, city_id, area, area_method, covered_period)
select 'test', city_id, st_multi(walkable_bounds), 'given',
    '[2016-01-01 00:00+00, 2016-04-01 00:00+00)'
from core.cities
"""
BY_MONTH = "select month, sum(crimes)::integer from analytics.crimes_by_cell_month group by 1"
BY_PHONE = "select api.crimes_near(-77.01, 38.87, 100)"


@dataclass
class Phones:
    """Calls of the API on its replica, and how long that replica took to follow the primary."""

    calls: int = 0
    errors: list[str] = field(default_factory=list)
    max_lag_s: float = 0


@pytest.fixture(scope="module")
def database(primary: Primary, standby: Primary, template) -> Iterator[str]:
    with primary.copy(template, DATABASE):
        with psycopg.connect(primary.conninfo(DATABASE)) as writer:
            writer.execute(CITY)
            for month in MONTHS:
                add_month(writer, month)
        wait_for_replay(primary, standby)
        yield DATABASE


@pytest.fixture(scope="module")
def analysts(primary: Primary, database: str, cluster_directory: Path) -> Iterator[Primary]:
    """The analysts' standby as `make up` makes it."""
    server = Server(cluster_directory / "servers" / "analysts", free_port())
    schema.set_passwords(primary.conninfo("postgres"), {"analyst": "analyst"})
    analysts_standby(server, database).copy(primary.server, primary.password)
    server.start()
    yield Primary(server, primary.password)
    server.stop("immediate")
    with psycopg.connect(primary.conninfo("postgres"), autocommit=True) as connection:
        connection.execute("select pg_drop_replication_slot('analysts')")


def test_maintenance_beside_an_analyst_holds_up_no_phone(
    primary: Primary, standby: Primary, analysts: Primary, database: str, tmp_path: Path
) -> None:
    wait_for_replay(primary, analysts)
    with analyst_at(analysts, database) as analyst:
        before = dict(analyst.execute(BY_MONTH).fetchall())
        assert list(map(str, sorted(before))) == MONTHS
        with phones(primary, standby, database) as seen:
            assert maintain(primary, database, tmp_path) == {"crime_data": 3, "journey_points": 0}
            wait_for_replay(primary, standby)
            assert [stands(standby, database, month) for month in MONTHS] == [False] * 3
        assert seen.errors == []
        assert seen.calls > 10
        assert seen.max_lag_s <= MAX_LAG_S

        # Replay waits for the analyst, the primary does not: all it wrote is on the analysts' disk.
        end = lsn(primary, "pg_current_wal_flush_lsn()")
        until(lambda: lsn(analysts, "pg_last_wal_receive_lsn()") >= end)
        assert lsn(analysts, "pg_last_wal_replay_lsn()") < end
        assert dict(analyst.execute(BY_MONTH).fetchall()) == before
    wait_for_replay(primary, analysts)
    assert [stands(analysts, database, month) for month in MONTHS] == [False] * 3


def test_on_the_apis_replica_the_same_transaction_would_freeze_it(
    primary: Primary, standby: Primary, database: str
) -> None:
    """Why there is a third server."""
    with (
        psycopg.connect(standby.conninfo(database)) as analyst,
        psycopg.connect(standby.conninfo("postgres"), autocommit=True) as watcher,
        psycopg.connect(primary.conninfo(database), autocommit=True) as writer,
    ):
        table = add_month(writer, LATER)
        wait_for_replay(primary, standby)
        analyst.execute(BY_MONTH)
        writer.execute(f"alter table core.crime_data detach partition {table} concurrently")
        writer.execute(f"drop table {table}")
        frozen = (
            "select count(*) from pg_stat_activity"
            " where backend_type = 'startup' and wait_event_type = 'Lock'"
        )
        until(lambda: watcher.execute(frozen).fetchone() == (1,))
        assert stands(standby, database, LATER)
    wait_for_replay(primary, standby)


def test_an_analyst_holds_back_no_vacuum_of_the_primary(
    primary: Primary, analysts: Primary, database: str
) -> None:
    with psycopg.connect(
        analysts.conninfo(database), user="analyst", password="analyst"
    ) as analyst:
        analyst.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        analyst.execute(BY_MONTH)
        with psycopg.connect(primary.conninfo(database)) as connection:
            held = connection.execute(
                "select xmin from pg_replication_slots where slot_name = 'analysts'"
            ).fetchone()
    assert held == (None,)


def add_month(writer: psycopg.Connection, month: str) -> str:
    query = "select core.make_period('core.crime_data', %s, '{dqcj}')::text"
    with writer.transaction():
        writer.execute("set local role saferoute_owner")
        (table,) = writer.execute(query, [month]).fetchone()
        writer.execute(CRIMES, [month])
    return table


def maintain(primary: Primary, database: str, archive: Path) -> dict[str, int]:
    """How many periods each set retired; crimes are kept for a year, here."""
    keep = "update partman.part_config set retention = '1 year' where parent_table = %s"
    with psycopg.connect(primary.conninfo(database)) as connection:
        connection.execute(keep, ["core.crime_data"])
        environment = owners_environment(connection)
    done = saferoute(
        *("partitions", "maintain", "--json"),
        **{**environment, "SAFEROUTE_ARCHIVE_DIRECTORY": str(archive)},
    )
    assert done.returncode == 0, done.stderr
    return {run["set"]: run["retired"] for run in json.loads(done.stdout)}


def analyst_at(server: Primary, database: str) -> psycopg.Connection:
    connection = psycopg.connect(server.conninfo(database), user="analyst", password="analyst")
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    return connection


@contextmanager
def phones(primary: Primary, standby: Primary, database: str) -> Iterator[Phones]:
    """While within: one session calls the API's function without pause, another measures."""
    seen, stop = Phones(), threading.Event()

    def call() -> None:
        with psycopg.connect(standby.conninfo(database), autocommit=True) as replica:
            while not stop.is_set():
                try:
                    replica.execute(BY_PHONE)
                except psycopg.Error as error:
                    seen.errors.append(str(error))
                seen.calls += 1

    def measure() -> None:
        while not stop.is_set():
            begun = time.monotonic()
            wait_for_replay(primary, standby)
            seen.max_lag_s = max(seen.max_lag_s, time.monotonic() - begun)

    threads = [threading.Thread(target=call), threading.Thread(target=measure)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def stands(server: Primary, database: str, month: str) -> bool:
    table = f"core.crime_data_p{month[:7].replace('-', '_')}"
    with psycopg.connect(server.conninfo(database)) as connection:
        return connection.execute("select to_regclass(%s)", [table]).fetchone() != (None,)


def lsn(server: Primary, function: str) -> int:
    with psycopg.connect(server.conninfo("postgres")) as connection:
        return int(connection.execute(f"select {function} - '0/0'").fetchone()[0])


def until(is_so: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)
