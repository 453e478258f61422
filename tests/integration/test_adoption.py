"""pg_partman's own maintenance, run by hand at a bad moment, loses nothing; upkeep tidies up."""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
import pytest

from ops import adoption, upkeep
from ops.errors import OperatorError
from tests.command import owners_environment
from tests.conftest import conninfo

INSERT = """
insert into core.journey_points (journey_id, recorded_at, cell, user_id, geom)
select gen_random_uuid(), now() + %s, 'dqcjr', gen_random_uuid(), 'srid=4326;point(-77 38.9)'
from generate_series(1, %s)"""
HAND_RUN = "select partman.run_maintenance('core.journey_points', p_analyze := false)"
PLAIN = """
select count(*) from core.partition_sets as s, core.periods(s.parent) as p
inner join pg_class as c on c.oid = p.period where c.relkind = 'r'"""


@pytest.fixture
def owner(db: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """The owner's session, as upkeep has it."""
    owners_environment(db)
    login = {"user": "saferoute_owner", "password": "owner", "options": "-c timezone=UTC"}
    with psycopg.connect(conninfo(db), autocommit=True, **login) as connection:
        yield connection


def fall_behind(owner: psycopg.Connection, days_left: int) -> None:
    """Leave the set as after days without maintenance: the last day is `days_left` from today."""
    doomed = owner.execute(
        "select period::text from core.periods('core.journey_points')"
        " where lower_bound > now() + make_interval(days => %s)",
        [days_left],
    ).fetchall()
    for (period,) in doomed:
        owner.execute(f"drop table {period}")


def adopt(owner: psycopg.Connection, name: str = "journey_points") -> int:
    return adoption.adopt(owner, upkeep.find_set(owner, name))


def count(owner: psycopg.Connection, table: str = "core.journey_points") -> int:
    return owner.execute(f"select count(*) from {table}").fetchone()[0]


def bounds_and_names(owner: psycopg.Connection, parent: str) -> list[tuple]:
    return owner.execute(
        "select p.lower_bound, p.upper_bound,"
        " p.period::text = %(parent)s || core.period_suffix(%(parent)s, p.lower_bound)"
        " from core.periods(%(parent)s) as p",
        {"parent": parent},
    ).fetchall()


@contextmanager
def ingest(db: psycopg.Connection, day: int) -> Iterator[list[int]]:
    """Insert single points into a day, from four sessions, until the block ends; how many."""
    stored = [0] * 4
    stop = threading.Event()

    def insert(n: int) -> None:
        with psycopg.connect(conninfo(db), autocommit=True) as session:
            while not stop.is_set():
                session.execute(INSERT, [f"{day} days", 1])
                stored[n] += 1

    threads = [threading.Thread(target=insert, args=[n]) for n in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield stored
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_plain_periods_are_adopted_under_ingest_without_copying(
    db: psycopg.Connection, owner: psycopg.Connection
) -> None:
    owner.execute("insert into core.regions values ('dqcj', 'Washington')")
    fall_behind(owner, 2)
    owner.execute(INSERT, ["0 days", 1])
    owner.execute(HAND_RUN)
    made = owner.execute(PLAIN).fetchone()[0]
    assert made >= 5, "partman made tables without leaves"
    owner.execute(INSERT, ["4 days", 1000])
    table = owner.execute(
        "select tableoid::regclass::oid, pg_relation_filenode(tableoid)"
        " from core.journey_points where recorded_at > now() + interval '1 day' limit 1"
    ).fetchone()

    with ingest(db, 4) as stored:
        assert adopt(owner) == made
    assert count(owner) == 1 + 1000 + sum(stored)
    assert sum(stored) > 0
    assert owner.execute(PLAIN).fetchone() == (0,)
    assert owner.execute(
        "select relname, pg_relation_filenode(oid) from pg_class where oid = %s", [table[0]]
    ).fetchone() == (
        owner.execute(
            "select 'journey_points' || core.period_suffix('core.journey_points',"
            " date_trunc('day', now() + interval '4 days', 'UTC')) || '_default'"
        ).fetchone()[0],
        table[1],
    ), "the plain table is the default leaf of its period, and was not rewritten"
    leaves = owner.execute(
        "select count(*) from core.periods('core.journey_points') as p, core.leaves(p.period) as l"
        " where p.lower_bound > now() + interval '2 days' and l.lower_cell = 'dqcj'"
    ).fetchone()
    assert leaves == (made - 1,), "the empty ones have a leaf for the region in use"
    assert all(named for _, _, named in bounds_and_names(owner, "core.journey_points"))
    assert owner.execute("select core.premake('core.journey_points')").fetchone() == (0,)


def test_periods_made_on_another_clock_are_put_right(owner: psycopg.Connection) -> None:
    """In New York, partman 4.7 calls Monday (UTC) Sunday, and lets months begin on the 31st."""
    fall_behind(owner, 2)
    owner.execute(
        "drop table core.crime_data" + suffix(owner, 2) + ", core.crime_data" + suffix(owner, 1)
    )
    before = bounds_and_names(owner, "core.journey_points")
    owner.execute("set timezone = 'America/New_York'")
    owner.execute(HAND_RUN)
    owner.execute("select partman.run_maintenance('core.crime_data', p_analyze := false)")
    owner.execute("set timezone = 'UTC'")
    assert len(bounds_and_names(owner, "core.journey_points")) > len(before)
    owner.execute(INSERT, ["5 days", 10])

    owner.execute("select core.ensure_partitions()")
    for name in ("journey_points", "crime_data"):
        adopt(owner, name)
    owner.execute("select core.ensure_partitions()")
    for name in ("core.journey_points", "core.crime_data"):
        rows = bounds_and_names(owner, name)
        assert all(named for _, _, named in rows)
        assert all(ends == begins for (_, ends, _), (begins, _, _) in itertools.pairwise(rows))
    assert count(owner) == 10
    assert owner.execute(PLAIN).fetchone() == (0,)


def suffix(owner: psycopg.Connection, months: int) -> str:
    return owner.execute(
        "select core.period_suffix('core.crime_data',"
        " date_trunc('month', now(), 'UTC') + make_interval(months => %s))",
        [months],
    ).fetchone()[0]


def test_what_partman_detaches_is_still_known(owner: psycopg.Connection) -> None:
    for day in (-20, -12, -1):
        owner.execute(INSERT, [f"{day} days", 10])
    owner.execute(
        "update partman.part_config set retention = '10 days', automatic_maintenance = 'on'"
        " where parent_table = 'core.journey_points'"
    )
    owner.execute("call partman.run_maintenance_proc()")
    assert count(owner) == 10
    detached = owner.execute(
        "select period::text from ops.partition_periods where state = 'detached' and is_due"
    ).fetchall()
    assert sum(count(owner, period) for (period,) in detached) == 20
    assert owner.execute("select core.premake('core.journey_points')").fetchone() == (0,)


def test_partman_stops_at_an_unfinished_detach(
    db: psycopg.Connection, owner: psycopg.Connection
) -> None:
    owner.execute(INSERT, ["-20 days", 10])
    owner.execute(INSERT, ["-1 days", 10])
    owner.execute("update partman.part_config set retention = '10 days'")
    fall_behind(owner, 2)
    oldest = owner.execute(
        "select period::text from core.periods('core.journey_points')"
        " where lower_bound > now() - interval '21 days' limit 1"
    ).fetchone()[0]
    with psycopg.connect(conninfo(db)) as reader:
        reader.execute("select count(*) from core.journey_points")
        owner.execute("set statement_timeout = '200ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            owner.execute(f"alter table core.journey_points detach partition {oldest} concurrently")
        owner.execute("reset statement_timeout")
    before = bounds_and_names(owner, "core.journey_points")
    # 4.7 and 5.2 stop with this error, 5.5 passes over the set in silence.
    with suppress(psycopg.errors.RaiseException):
        owner.execute(HAND_RUN)
    assert bounds_and_names(owner, "core.journey_points") == before
    assert count(owner) + count(owner, oldest) == 20
    assert owner.execute("select core.premake('core.journey_points')").fetchone() == (5,)


def test_bookkeeping_never_detaches(owner: psycopg.Connection) -> None:
    """It refuses while something due stands; what is kept for a while stays."""
    owner.execute("update partman.part_config set retention = '10 days'")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="19 due periods"):
        owner.execute("select core.partman_bookkeeping('core.journey_points')")
    owner.execute(
        "insert into core.partition_archives (parent, lower_bound, upper_bound, file_name,"
        " file_digest, file_bytes, row_count, leaf_rows, keep_until)"
        " select parent, lower_bound, upper_bound, lower_bound::text, '', 0, 0, '{}',"
        " now() + interval '1 day' from ops.partition_periods"
        " where parent = 'core.journey_points'::regclass and is_due"
    )
    before = bounds_and_names(owner, "core.journey_points")
    owner.execute("select core.partman_bookkeeping('core.journey_points')")
    assert bounds_and_names(owner, "core.journey_points") == before
    assert owner.execute(
        "select retention from partman.part_config where parent_table = 'core.journey_points'"
    ).fetchone() == ("10 days",)


def test_a_table_that_a_superuser_made_is_named(
    db: psycopg.Connection, owner: psycopg.Connection
) -> None:
    fall_behind(owner, 6)
    db.execute(HAND_RUN)
    db.commit()
    with pytest.raises(OperatorError, match="owner to saferoute_owner"):
        adopt(owner)
