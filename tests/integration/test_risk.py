"""Risk against the formula in numpy, and refreshes against making everything anew."""

import random
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
import psycopg
import pytest

from tests.conftest import wait_for_replay
from tests.risk_model import Crime, Edge, RiskModel
from tests.small_city import SIDE, SOUTH, STEP, WEST, ZONE, Row, build, commit_crimes, cover

START = datetime(2016, 1, 1, tzinfo=UTC)
SEVERITY = {"small assault": (8, True), "small theft": (2, False)}
# Refreshes that only add and subtract may drift from a full one by this much of risk.
TOLERANCE = 1e-6


@pytest.fixture
def city(db: psycopg.Connection) -> int:
    db.autocommit = True
    db.execute("set timezone = 'UTC'")
    return build(db)


def some_crimes(count: int, seed: int = 1, prefix: str = "c") -> list[Row]:
    """Crimes in the west by day, in the east by night, some without an hour, some outside."""
    chance = random.Random(seed)
    rows: list[Row] = []
    for number in range(count):
        east = chance.random()
        hour = chance.gauss(17 if east < 0.5 else 3, 3)
        at = START + timedelta(days=chance.randrange(200), hours=hour)
        precision = chance.choices(["exact", "day", "month"], [8, 1, 1])[0]
        category = chance.choices(list(SEVERITY), [1, 2])[0]
        lon = WEST + STEP * (1.2 * east * (SIDE - 1) - 0.4)
        lat = SOUTH + STEP * chance.gauss(0.5, 0.3) * (SIDE - 1)
        rows.append((f"{prefix}{number}", at, precision, category, lon, lat))
    return rows


def refresh(db: psycopg.Connection) -> tuple[int, int, int]:
    row = db.execute("select * from core.refresh_risk()").fetchone()
    assert row is not None
    return row


def published(db: psycopg.Connection) -> tuple[np.ndarray, np.ndarray]:
    """(edges, 48) risk of every link as it is read; (48) mean risk."""
    rows = db.execute(
        """
        select l.edge_id, f.week_hour, f.mean_risk,
            core.link_risk(l.all_density, l.street_density, l.neighbourhood,
                f.all_factors, f.street_factors, f.mean_risk)
        from core.road_links as l, core.risk_factors as f where f.city_id = l.city_id order by 1, 2
        """
    ).fetchall()
    table = np.array(rows, float).reshape(-1, 48, 4)
    return table[:, :, 3], table[0, :, 2]


def read(db: psycopg.Connection, city: int, edge_id: int, at: datetime) -> float:
    """Risk of one link at a time, by core.risk_terms."""
    row = db.execute(
        """
        select core.link_risk(l.all_density, l.street_density, l.neighbourhood,
            t.all_factors, t.street_factors, t.mean_risk)
        from core.road_links as l cross join core.risk_terms(%s, %s) as t where l.edge_id = %s
        """,
        [city, at, edge_id],
    ).fetchone()
    assert row is not None
    return float(row[0])


def in_numpy(
    db: psycopg.Connection, severity: Mapping[str, tuple[int, bool]] = SEVERITY
) -> RiskModel:
    edges = [
        Edge(np.array(row[:4], float).reshape(2, 2), row[4])
        for row in db.execute(
            """
            select st_x(a), st_y(a), st_x(b), st_y(b), length_m
            from core.road_edges, st_transform(st_startpoint(geom), 32618) as a,
                st_transform(st_endpoint(geom), 32618) as b
            order by edge_id
            """
        )
    ]
    crimes = [
        Crime(x, y, at, precision == "exact", *severity[category])
        for x, y, at, precision, category in db.execute(
            """
            select st_x(p), st_y(p), occurred_at, time_precision, category
            from core.crime_data as d, core.cities as c, st_transform(d.geom, 32618) as p
            where d.geom && core.expand_metres(c.walkable_bounds, 250)
            """
        )
    ]
    return RiskModel(edges, crimes, ZONE)


def test_risk_is_the_published_formula(db: psycopg.Connection, city: int) -> None:
    commit_crimes(db, some_crimes(600))
    refresh(db)
    model = in_numpy(db)
    risk, mean = published(db)
    np.testing.assert_allclose(risk, model.risk(), atol=1e-9)
    np.testing.assert_allclose(mean, model.mean_risk(), atol=1e-9)
    assert np.ptp(model.rates(), axis=0).max() > 0.1, "the neighbourhoods differ"


def test_risk_at_a_time_is_that_of_its_local_hour(db: psycopg.Connection, city: int) -> None:
    commit_crimes(db, some_crimes(300))
    refresh(db)
    risk, mean = published(db)
    saturday_5pm = datetime(2017, 7, 8, 21, tzinfo=UTC)  # 17:00 in New York
    assert read(db, city, 50, saturday_5pm) == pytest.approx(risk[49, 24 + 17])
    terms = db.execute("select mean_risk from core.risk_terms(%s, %s)", [city, saturday_5pm])
    assert terms.fetchone() == (pytest.approx(mean[24 + 17]),)


def test_added_corrected_and_deleted_crimes_equal_a_full_recompute(
    db: psycopg.Connection, city: int
) -> None:
    commit_crimes(db, some_crimes(400))
    # So old that its weight is next to nothing, and so new that all others fade beside it.
    commit_crimes(
        db, [("old", datetime(1916, 5, 1, tzinfo=UTC), "day", "small theft", WEST, SOUTH)]
    )
    assert refresh(db)[1] == 401
    chance = random.Random(7)
    for step in range(12):
        commit_crimes(db, some_crimes(40, seed=step + 50, prefix=f"s{step}-"))
        db.execute(
            "update core.crime_data set category = 'small assault', time_precision = 'exact',"
            " occurred_at = date_trunc('month', occurred_at) + interval '3 days 5 hours'"
            " where source_id like %s",
            [f"c{chance.randrange(1, 10)}%"],
        )
        db.execute(
            "update core.crime_data set occurred_at = '2016-03-05 12:00+00', cell = 'dqcjq',"
            " geom = st_translate(geom, 0.004, -0.002) where source_id like %s",
            [f"c{chance.randrange(10, 40)}%"],
        )
        db.execute("delete from core.crime_data where source_id like %s", [f"%{step}7%"])
        rebuilt, applied, _ = refresh(db)
        assert rebuilt == 0
        assert applied > 40
    added_up, mean = published(db)
    np.testing.assert_allclose(added_up, in_numpy(db).risk(), atol=TOLERANCE)

    db.execute("update core.city_risk set map_digest = 'another'")
    assert refresh(db)[0] == 1
    anew, mean_anew = published(db)
    np.testing.assert_allclose(added_up, anew, atol=TOLERANCE)
    np.testing.assert_allclose(mean, mean_anew, atol=TOLERANCE)


def test_when_nearly_everything_is_deleted_rounding_errors_go_too(
    db: psycopg.Connection, city: int
) -> None:
    commit_crimes(db, some_crimes(50))
    commit_crimes(
        db, [("old", datetime(1916, 5, 1, tzinfo=UTC), "day", "small theft", WEST, SOUTH)]
    )
    refresh(db)
    db.execute("delete from core.crime_data where source_id <> 'old'")
    assert refresh(db)[0] == 1
    risk, _ = published(db)
    np.testing.assert_allclose(risk, in_numpy(db).risk(), atol=TOLERANCE)
    db.execute("delete from core.crime_data")
    refresh(db)
    terms = db.execute("select * from core.risk_terms(%s, now())", [city]).fetchone()
    assert terms == ([], [], 0)


def test_a_refresh_without_news_changes_nothing(db: psycopg.Connection, city: int) -> None:
    commit_crimes(db, some_crimes(100))
    assert refresh(db) == (1, 100, 2 * SIDE * (SIDE - 1))
    rows = db.execute("select xmin, edge_id from core.road_links order by 2").fetchall()
    assert refresh(db) == (0, 0, 0)
    assert db.execute("select xmin, edge_id from core.road_links order by 2").fetchall() == rows


def test_only_links_near_a_new_crime_are_written(db: psycopg.Connection, city: int) -> None:
    commit_crimes(db, some_crimes(100))
    refresh(db)
    at = datetime(2016, 5, 1, tzinfo=UTC)
    commit_crimes(db, [("new", at, "exact", "small theft", WEST, SOUTH)])
    assert refresh(db) == (0, 1, 2)


def test_edited_categories_weigh_at_the_next_refresh(db: psycopg.Connection, city: int) -> None:
    commit_crimes(db, some_crimes(200))
    refresh(db)
    db.execute("insert into core.crime_categories values ('never seen', 1, 'other', false)")
    assert refresh(db) == (0, 0, 0)
    db.execute("update core.crime_categories set severity = 9 where category = 'small theft'")
    commit_crimes(db, some_crimes(20, seed=3, prefix="pending"))
    assert refresh(db)[:2] == (1, 20)
    risk, _ = published(db)
    model = in_numpy(db, {**SEVERITY, "small theft": (9, False)})
    np.testing.assert_allclose(risk, model.risk(), atol=1e-9)


def test_outside_the_coverage_risk_is_unknown_and_costs_the_mean(
    db: psycopg.Connection, city: int
) -> None:
    commit_crimes(db, some_crimes(300))
    refresh(db)
    cover(db, city, share=0.5)
    assert refresh(db)[2] > 0
    unknown = db.execute(
        """
        select l.edge_id, st_xmin(e.geom) from core.road_links as l join core.road_edges as e
        using (edge_id) where l.all_density is null and l.street_density is null
        """
    ).fetchall()
    assert len(unknown) == 3 * SIDE + 4 * (SIDE - 1), "streets that begin east of the middle"
    assert min(west for _, west in unknown) >= WEST + STEP * (SIDE - 1) / 2 - STEP / 2
    at = datetime(2017, 7, 8, 21, tzinfo=UTC)
    mean = db.execute("select mean_risk from core.risk_terms(%s, %s)", [city, at]).fetchone()
    assert mean is not None
    assert read(db, city, unknown[0][0], at) == mean[0]
    assert 0 < mean[0] < 1


def test_without_coverage_everything_is_unknown(db: psycopg.Connection, city: int) -> None:
    commit_crimes(db, some_crimes(100))
    db.execute("delete from core.crime_coverage")
    refresh(db)
    known = db.execute("select count(*) from core.road_links where all_density is not null")
    assert known.fetchone() == (0,)
    terms = db.execute("select * from core.risk_terms(%s, now())", [city]).fetchone()
    assert terms == ([], [], 0)
    assert db.execute("select core.city_data_period(%s)", [city]).fetchone() == (None,)


def test_month_only_crimes_make_no_hour_riskier(db: psycopg.Connection, city: int) -> None:
    commit_crimes(db, [(*row[:2], "month", *row[3:]) for row in some_crimes(200)])
    refresh(db)
    risk, _ = published(db)
    np.testing.assert_allclose(risk, risk[:, :1] @ np.ones((1, 48)), atol=1e-12)
    assert risk.max() == 1


def test_recency_counts_from_the_newest_crime(db: psycopg.Connection, city: int) -> None:
    rows = [(i, at.replace(day=15), "month", *rest) for i, at, _, *rest in some_crimes(60)]
    commit_crimes(db, rows)  # type: ignore[arg-type]
    refresh(db)
    risk, _ = published(db)
    # The same crimes thirty years later weigh the same against each other.
    db.execute("delete from core.crime_data")
    commit_crimes(db, [(i, at + timedelta(days=10957), *rest) for i, at, *rest in rows])  # type: ignore[misc]
    refresh(db)
    later, _ = published(db)
    np.testing.assert_allclose(later, risk, atol=1e-9)


def test_a_crime_committed_during_a_refresh_waits_for_the_next(
    db: psycopg.Connection, city: int
) -> None:
    commit_crimes(db, some_crimes(100))
    commit_crimes(db, [("month", START + timedelta(days=150), "day", "small theft", WEST, SOUTH)])
    with psycopg.connect(db.info.dsn, password=db.info.password) as other:
        other.execute("set timezone = 'UTC'")
        other.execute(
            "update core.crime_data set category = 'small assault' where source_id = 'month'"
        )
        assert refresh(db) == (1, 101, 2 * SIDE * (SIDE - 1))
    assert refresh(db)[:2] == (0, 2)
    risk, _ = published(db)
    np.testing.assert_allclose(risk, in_numpy(db).risk(), atol=1e-9)


def test_two_refreshes_at_once_count_each_crime_once(db: psycopg.Connection, city: int) -> None:
    commit_crimes(db, some_crimes(100))
    with psycopg.connect(db.info.dsn, password=db.info.password) as first:
        refresh(first)
        second = threading.Thread(target=refresh, args=[db])
        second.start()
        second.join(timeout=0.3)
        assert second.is_alive(), "the second waits for the end of the first"
        first.commit()
        second.join(timeout=30)
    risk, _ = published(db)
    np.testing.assert_allclose(risk, in_numpy(db).risk(), atol=1e-9)


def test_dropped_months_take_their_crimes_out_of_risk(db: psycopg.Connection, city: int) -> None:
    commit_crimes(db, some_crimes(100))
    commit_crimes(
        db, [("old", datetime(2015, 5, 1, tzinfo=UTC), "day", "small theft", WEST, SOUTH)]
    )
    refresh(db)
    row = db.execute("select period from core.periods('core.crime_data') limit 1").fetchone()
    assert row is not None
    db.execute(f"drop table {row[0]}")  # type: ignore[arg-type]
    assert refresh(db)[0] == 1
    risk, _ = published(db)
    np.testing.assert_allclose(risk, in_numpy(db).risk(), atol=1e-9)


def test_risk_reads_on_a_standby(db: psycopg.Connection, city: int, primary, standby) -> None:
    commit_crimes(db, some_crimes(100))
    refresh(db)
    wait_for_replay(primary, standby)
    at = datetime(2017, 7, 8, 21, tzinfo=UTC)
    with psycopg.connect(standby.conninfo(db.info.dbname)) as reader:
        for query, values in (
            ("select * from core.risk_terms(%s, %s)", [city, at]),
            ("select core.city_data_period(%s)", [city]),
        ):
            answer = reader.execute(query, values).fetchone()
            assert answer == db.execute(query, values).fetchone()
            assert answer
            assert answer[0] is not None
