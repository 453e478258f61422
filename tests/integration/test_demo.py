"""The demo city through the real importers, as `make up` loads it."""

from pathlib import Path

import psycopg

from tests.command import owners_environment, saferoute

FIGURES = """
    select
        (select array_agg(distinct time_zone) from core.cities),
        (select count(*) from core.road_edges),
        (select count(*) from core.crime_data where time_precision = 'month'),
        (select count(*) from core.crime_data where time_precision = 'exact'),
        (select count(*) from core.crime_rejects)
"""
EXPOSURE = """
    select (f -> 'properties' ->> 'exposure')::float8
    from json_array_elements(
        api.safe_routes(-2.000, 51.205, -1.965, 51.235, %s, '{0}') -> 'features'
    ) as f
"""


def test_the_demo_loads_its_city_and_its_crimes(db: psycopg.Connection, tmp_path: Path) -> None:
    done = saferoute("demo", "--directory", tmp_path, **owners_environment(db))
    assert done.returncode == 0, done.stderr
    assert db.execute(FIGURES).fetchone() == (["Europe/London"], 5_007, 3_931, 7_000, 69)
    known = "select avg((all_density is not null)::int) from core.road_links"
    assert db.execute(known).fetchone()[0] > 0.9
    by_day, at_night = (
        db.execute(EXPOSURE, [time]).fetchone()[0]
        for time in ("2025-12-20 11:00+00", "2025-12-20 23:30+00")
    )
    assert at_night > 1.5 * by_day
