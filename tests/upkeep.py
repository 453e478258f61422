"""Points on many days, and upkeep of a test's database within this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from common.settings import settings
from tests.command import owners_environment

PLACES = [("dqcjr", -77.03, 38.91), ("ez3fh", -8.62, 41.16), ("s0000", 0.0, 0.0)]
"""A cell of Washington, one of Porto, and one in the sea that no region holds."""
POINTS = "core.journey_points"


@contextmanager
def upkeep_of(db: psycopg.Connection, archive: Path) -> Iterator[dict[str, str]]:
    """Let `upkeep.connect()` reach this database; the environment for the command as well."""
    environment = {**owners_environment(db), "SAFEROUTE_ARCHIVE_DIRECTORY": str(archive)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAFEROUTE_ENV_FILE", "/dev/null")
        for key, value in environment.items():
            patch.setenv(key, value)
        settings.cache_clear()
        yield environment
    settings.cache_clear()


def day(ago: int) -> datetime:
    """Midnight (UTC), this many days ago."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=ago)


def make_day(db: psycopg.Connection, start: datetime, points: int) -> str:
    """A period of points with a leaf for Washington and for Porto, and rows in each leaf."""
    with db.transaction():
        db.execute("set local role saferoute_owner")
        (period,) = db.execute(
            "select core.make_period('core.journey_points', %s, '{dqcj,ez3f}')::text", [start]
        ).fetchone()
    add_points(db, start, points)
    return period


def add_points(db: psycopg.Connection, start: datetime, points: int) -> None:
    """Points of one second each, in turn at the three places."""
    for number, (cell, lon, lat) in enumerate(PLACES):
        db.execute(
            """
            insert into core.journey_points (journey_id, recorded_at, cell, user_id, geom)
            select gen_random_uuid(), %s::timestamptz + n * interval '1 second', %s,
                gen_random_uuid(), st_point(%s, %s, 4326)
            from generate_series(%s, %s - 1, 3) as n""",
            [start, cell, lon, lat, number, points],
        )


def fingerprint(db: psycopg.Connection, table: str) -> tuple[int, str]:
    """How many rows a table has, and a digest of them all."""
    return db.execute(
        "select count(*), md5(coalesce(string_agg(t::text, chr(10) order by t::text), ''))"
        f" from {table} as t"
    ).fetchone()


def state(db: psycopg.Connection, start: datetime) -> str | None:
    """Of the period of points that begins then."""
    row = db.execute(
        "select state from ops.partition_periods where parent = %s::regclass and lower_bound = %s",
        [POINTS, start],
    ).fetchone()
    return row and row[0]
