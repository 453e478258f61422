"""A search opens the partitions it needs and no other: what is not opened is not locked."""

import psycopg
import pytest

_CITY = """
insert into core.cities (name, time_zone, utm_srid, walkable_bounds)
values ('Test', 'UTC', 32618, st_makeenvelope(-77.1, 38.8, -77.0, 38.9, 4326))
"""
_COVERAGE = """
insert into core.crime_coverage (source, city_id, area, area_method, covered_period)
select 'test', city_id, st_multi(walkable_bounds), 'given',
    '[2014-01-01 00:00+00, 2017-01-01 00:00+00)'
from core.cities
"""
_MONTHS = """
select core.make_period('core.crime_data', m, '{dqcj,dqcm,9q8y}')
from generate_series(timestamptz '2014-01-01 00:00+00', '2016-12-01 00:00+00', '1 month') as m
"""
_OPENED = """
select c.relname from pg_locks as l inner join pg_class as c on c.oid = l.relation
where l.pid = pg_backend_pid() and c.relname like 'crime_data_p%' and c.relkind = 'r'
order by 1
"""


def test_crimes_near_opens_one_region_of_twelve_months(db: psycopg.Connection) -> None:
    for statement in (_CITY, _COVERAGE, _MONTHS):
        db.execute(statement)
    db.commit()
    db.execute("select api.crimes_near(-77.0141, 38.87)")
    opened = [name for (name,) in db.execute(_OPENED)]
    assert len(opened) == 12, opened
    assert all(name.endswith("_dqcj") and "2016" in name for name in opened), opened


def test_crimes_near_opens_the_months_that_were_asked_for(db: psycopg.Connection) -> None:
    for statement in (_CITY, _COVERAGE, _MONTHS):
        db.execute(statement)
    db.commit()
    query = "select api.crimes_near(-77.0141, 38.87, since => %s, until => %s)"
    db.execute(query, ["2014-03-31T23:00Z", "2014-04-02T00:00Z"])
    assert len(db.execute(_OPENED).fetchall()) == 2


@pytest.mark.parametrize(
    ("condition", "months"),
    [
        ("month = '2016-03-01'", {"201603"}),
        ("month >= date '2016-04-15' - interval '1 month' and month < '2016-05-01'", {"201604"}),
        ("month between '2014-12-01T00:00:00Z' and '2015-01-31'", {"201412", "201501"}),
    ],
)
def test_an_analyst_opens_the_months_that_were_asked_for(
    db: psycopg.Connection, condition: str, months: set[str]
) -> None:
    for statement in (_CITY, _COVERAGE, _MONTHS):
        db.execute(statement)
    db.commit()
    db.execute("set role analyst")
    db.execute(f"select * from analytics.crimes_by_cell_month where {condition}")
    # pg_partman 5 names March 2016 20160301, 4.7 2016_03.
    opened = {name.split("_p")[1].replace("_", "")[:6] for (name,) in db.execute(_OPENED)}
    assert opened == months
