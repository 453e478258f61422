"""Months of crimes leave and come back: the risk follows, and corrections made meanwhile stand."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psycopg
import pytest

from ops import maintenance, restore, retention, risk, upkeep
from tests.small_city import SOUTH, STEP, WEST, Row, build, commit_crimes
from tests.upkeep import fingerprint, upkeep_of

CRIMES = "core.crime_data"
WEEK = timedelta(days=7)
MAY = "2016-05"


@pytest.fixture
def city(db: psycopg.Connection) -> int:
    """Three months of crimes; in May they are in the west."""
    db.autocommit = True
    db.execute("set timezone = 'UTC'")
    city_id = build(db)
    for month, lon in ((4, WEST + 5 * STEP), (5, WEST), (6, WEST + 6 * STEP)):
        at = datetime(2016, month, 3, 21, tzinfo=UTC)
        rows: list[Row] = [
            (f"{month}-{n}", at + n * timedelta(hours=5), "exact", "small assault", lon, SOUTH)
            for n in range(20)
        ]
        with db.transaction():
            db.execute("set local role saferoute_owner")
            commit_crimes(db, rows)
    db.execute(
        "insert into core.crime_key (source, source_id, occurred_at, cell, published_at)"
        " select source, source_id, occurred_at, cell, occurred_at from core.crime_data"
    )
    db.execute("select core.refresh_risk()")
    return city_id


@pytest.fixture
def owner(db: psycopg.Connection, city: int, tmp_path: Path) -> Iterator[psycopg.Connection]:
    with upkeep_of(db, tmp_path / "archive"), upkeep.exclusive() as connection:
        yield connection


@pytest.fixture
def crimes(owner: psycopg.Connection) -> upkeep.PartitionSet:
    return upkeep.find_set(owner, "crime_data")


def retire(owner: psycopg.Connection, crimes: upkeep.PartitionSet, month: str = MAY) -> None:
    period = retention.named(owner, crimes, month, early=True)
    retention.retire_period(owner, crimes, period)
    risk.refresh(owner)


def bring_back(owner: psycopg.Connection, crimes: upkeep.PartitionSet) -> restore.Restored:
    lower = upkeep.period_start(crimes, MAY)
    (done,) = restore.restore_period(owner, crimes, lower, WEEK)
    return done


def densities(db: psycopg.Connection) -> np.ndarray:
    rows = db.execute("select all_density from core.edge_risk order by edge_id").fetchall()
    return np.array(rows, dtype=float)[:, 0]


def test_risk_follows_a_month_that_leaves_and_returns(
    db: psycopg.Connection, owner: psycopg.Connection, crimes: upkeep.PartitionSet
) -> None:
    before = densities(db)
    retire(owner, crimes)
    without = densities(db)
    assert without.max() > 0
    assert np.count_nonzero(without) < np.count_nonzero(before), "nothing happened in the west now"
    bring_back(owner, crimes)
    np.testing.assert_allclose(densities(db), before)

    refreshed = "select refreshed_at from core.city_risk"
    (at,) = db.execute(refreshed).fetchone()
    run = maintenance.maintain_set(owner, crimes)
    assert run.problem is None
    db.execute("select core.make_period('core.crime_data', now() + interval '5 months')")
    risk.refresh(owner)
    assert db.execute(refreshed).fetchone() == (at,), "nothing was made anew"


def test_a_month_that_is_detached_by_hand_is_noticed_by_maintenance(
    db: psycopg.Connection, owner: psycopg.Connection, crimes: upkeep.PartitionSet
) -> None:
    before = np.count_nonzero(densities(db))
    (may,) = db.execute(
        "select period::text from core.periods('core.crime_data') where lower_bound = '2016-05-01'"
    ).fetchone()
    db.execute(f"alter table core.crime_data detach partition {may}")
    db.execute("select core.refresh_risk()")
    assert np.count_nonzero(densities(db)) < before


def test_crimes_that_were_corrected_or_withdrawn_meanwhile_stay_out(
    db: psycopg.Connection, owner: psycopg.Connection, crimes: upkeep.PartitionSet
) -> None:
    retire(owner, crimes)
    db.execute("delete from core.crime_key where source_id = '5-1'")
    db.execute("update core.crime_key set occurred_at = '2016-06-09' where source_id = '5-2'")
    done = bring_back(owner, crimes)
    assert (done.rows, done.superseded) == (18, 2)
    assert fingerprint(db, CRIMES)[0] == 58

    db.execute("update core.partition_archives set keep_until = now()")
    retire(owner, crimes)
    assert bring_back(owner, crimes).superseded == 0


def test_a_month_that_was_begun_anew_joins_through_the_set(
    db: psycopg.Connection, owner: psycopg.Connection, crimes: upkeep.PartitionSet
) -> None:
    """A newer version of a crime at the same time and place stands; the risk counts each once."""
    before = densities(db)
    retire(owner, crimes)
    with db.transaction():
        db.execute("set local role saferoute_owner")
        at = datetime(2016, 5, 3, 21, tzinfo=UTC)
        commit_crimes(db, [("5-0", at, "exact", "small assault", WEST, SOUTH)])
    risk.refresh(owner)
    done = bring_back(owner, crimes)
    assert (done.rows, done.already_there) == (19, 1)
    assert fingerprint(db, CRIMES)[0] == 60
    np.testing.assert_allclose(densities(db), before)


def test_beside_the_set_crimes_are_as_they_were(
    db: psycopg.Connection, owner: psycopg.Connection, crimes: upkeep.PartitionSet
) -> None:
    retire(owner, crimes)
    db.execute("delete from core.crime_key where source_id = '5-1'")
    lower = upkeep.period_start(crimes, MAY)
    (done,) = restore.restore_period(owner, crimes, lower, WEEK, beside=True)
    assert (done.rows, done.superseded) == (20, 0)
    assert fingerprint(db, CRIMES)[0] == 40
