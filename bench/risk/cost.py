"""What a refresh costs: Porto, 100,000 made-up crimes, then 100 more."""

import os
from statistics import median

import psycopg

from bench.report import Result
from bench.risk.washington import SHARED
from bench.routing.crimes import load_crimes
from ops import osm

PORTO = SHARED / "data" / "osm" / "porto.osm.pbf"
CRIMES, NEW = 100_000, 100
FULL_ROUNDS, ROUNDS = 3, 7
FULL_GOAL_S = 15
_NEW = """
    insert into core.crime_data
        (source, source_id, occurred_at, cell, time_precision, category, published_category, geom)
    select source, 'new ' || %(round)s || ' ' || source_id, occurred_at, cell, time_precision,
        category, published_category, geom
    from core.crime_data where source_id ~ '^[0-9]+$'
    order by md5(source_id || %(round)s) limit %(count)s
"""


def run(connection: psycopg.Connection, conninfo: str) -> list[Result]:
    """Full and incremental refreshes by turns; CPU seconds of the session, publishing included."""
    osm.load(conninfo, PORTO, "Porto")
    load_crimes(connection, CRIMES, seed=1)
    full, increments = [], []
    for number in range(max(FULL_ROUNDS, ROUNDS)):
        if number < FULL_ROUNDS:
            # As after a new map: samples, sums, coverage, every link.
            connection.execute("update core.cities set imported_at = clock_timestamp()")
            connection.execute(
                "update core.road_links set all_density = null, street_density = null"
            )
            connection.execute("vacuum analyze")
            full.append(refresh(connection))
        connection.execute(_NEW, {"round": str(number), "count": NEW})
        increments.append(refresh(connection))
    whole, part = median(full), median(increments)
    return [
        Result(
            "CPU of a full refresh, 98,000 links and 100,000 crimes",
            whole,
            "s",
            goal=f"<= {FULL_GOAL_S}",
            rounds=FULL_ROUNDS,
        ),
        Result(
            "CPU of a refresh after 100 new crimes",
            part,
            "s",
            f"full refresh: {whole:.1f} s",
            part / whole,
            f"<= {1 / 30:.4f}",
            rounds=ROUNDS,
        ),
    ]


def refresh(connection: psycopg.Connection) -> float:
    """CPU seconds that the session's process took for core.refresh_risk()."""
    before = cpu_seconds(connection.info.backend_pid)
    connection.execute("select core.refresh_risk()")
    return cpu_seconds(connection.info.backend_pid) - before


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far (proc(5))."""
    with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
