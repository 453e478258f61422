"""Risk on the real streets and crimes of Washington."""

from datetime import UTC, datetime

import numpy as np
import psycopg
from pytest_postgresql import factories

city = factories.postgresql("washington")
FRIDAY_10PM = datetime(2017, 7, 8, 2, tzinfo=UTC)
WEDNESDAY_10AM = datetime(2017, 7, 5, 14, tzinfo=UTC)


def risks(city: psycopg.Connection, at: datetime) -> np.ndarray:
    """Of every known link."""
    return np.array(
        city.execute(
            """
            select core.link_risk(l.all_density, l.street_density, l.neighbourhood,
                t.all_factors, t.street_factors, t.mean_risk)
            from core.road_links as l
            cross join core.risk_terms(
                (select city_id from core.cities where name = 'Washington'), %s) as t
            where l.all_density is not null order by l.edge_id
            """,
            [at],
        ).fetchall(),
        float,
    ).ravel()


def test_risk_is_between_0_and_1_and_the_evening_is_worse_than_the_morning(
    city: psycopg.Connection,
) -> None:
    evening, morning = risks(city, FRIDAY_10PM), risks(city, WEDNESDAY_10AM)
    for each in (evening, morning):
        assert each.min() >= 0
        assert each.max() == 1
        assert np.isfinite(each).all()
    assert evening.mean() > 1.3 * morning.mean()
    # The 95th percentile of the mean hour is risk 1: at bad hours more than 5 % reach it.
    assert 0.05 < (evening == 1).mean() < 0.25


def test_what_no_source_reports_on_is_unknown(city: psycopg.Connection) -> None:
    row = city.execute(
        """
        select
            count(*) filter (where l.all_density is null)::float8 / count(*),
            bool_and((l.all_density is null) = not exists (
                select from core.crime_coverage as c
                where st_covers(c.area, st_lineinterpolatepoint(e.geom, 0.5))))
        from core.road_links as l inner join core.road_edges as e using (edge_id)
        """
    ).fetchone()
    assert row is not None
    assert row[0] > 0.2, "only three wards are in the file"
    assert row[1]


def test_the_period_of_the_data_is_stated(city: psycopg.Connection) -> None:
    row = city.execute("select core.city_data_period(city_id) from core.cities").fetchone()
    assert row is not None
    assert (row[0].lower.year, row[0].upper.year) == (2012, 2017)


def test_corrections_of_real_crimes_equal_a_full_recompute(city: psycopg.Connection) -> None:
    city.execute("delete from core.crime_data where source_id like '%7#1'")
    city.execute(
        "update core.crime_data set category = 'homicide', time_precision = 'day'"
        " where source_id like '%3#1'"
    )
    applied = city.execute("select rebuilt_cities, applied_changes from core.refresh_risk()")
    rebuilt, changes = applied.fetchone() or (0, 0)
    assert rebuilt == 0
    assert changes > 8000
    added_up = risks(city, FRIDAY_10PM)
    city.execute("update core.city_risk set map_digest = 'another'")
    city.execute("select core.refresh_risk()")
    np.testing.assert_allclose(added_up, risks(city, FRIDAY_10PM), atol=1e-6)
