"""Grow a partition set to a number of leaves."""

import itertools
from collections.abc import Iterator

import psycopg

_COUNT = "select count(*) from core.periods(%s::regclass) as p, core.leaves(p.period)"
# Geohash-4 regions around the city, some of them within it.
_REGIONS = """
select u.prefix from unnest(core.geohash_cover(
    (select st_setsrid(st_expand(st_extent(walkable_bounds), 1.5)::geometry, 4326)
    from core.cities), 4)) as u (prefix) order by md5(u.prefix)
"""
_ADD_LEAF = "select core.add_leaf(%s::regclass, %s)"
_ADD_MONTH = """
select core.make_period('core.crime_data', min(lower_bound) - interval '1 day')
from core.periods('core.crime_data')
"""
_REGIONS_OF_A_MONTH = 9


def grow(admin: psycopg.Connection, parent: str, leaves: int) -> None:
    """Add leaves until `parent` has exactly so many: regions to every day of points, or older
    months, with regions, to the crimes.
    """
    missing = leaves - _scalar(admin, _COUNT, parent)
    regions = [prefix for (prefix,) in admin.execute(_REGIONS)]
    is_crimes = parent == "core.crime_data"
    steps = _months(admin, regions) if is_crimes else _days(admin, parent, regions)
    made = sum(itertools.islice(steps, missing))
    assert made == missing >= 0, f"{parent}: {made} of {missing} leaves"
    assert _scalar(admin, _COUNT, parent) == leaves


def _months(admin: psycopg.Connection, regions: list[str]) -> Iterator[int]:
    while True:
        month = admin.execute(_ADD_MONTH).fetchone()
        yield 1
        for prefix in regions[:_REGIONS_OF_A_MONTH]:
            admin.execute(_ADD_LEAF, [month[0] if month else None, prefix])
            yield 1


def _days(admin: psycopg.Connection, parent: str, regions: list[str]) -> Iterator[int]:
    query = "select period::text from core.periods(%s::regclass)"
    periods = [period for (period,) in admin.execute(query, [parent])]
    for prefix, period in itertools.product(regions, periods):
        before = _scalar(admin, "select count(*) from core.leaves(%s::regclass)", period)
        admin.execute(_ADD_LEAF, [period, prefix])
        if _scalar(admin, "select count(*) from core.leaves(%s::regclass)", period) > before:
            yield 1


def _scalar(admin: psycopg.Connection, query: str, argument: str) -> int:
    row = admin.execute(query, [argument]).fetchone()
    assert row is not None
    return int(row[0])
