"""The crimes of Washington as the benchmarks of risk use them: kept apart, given back by date."""

import csv
import gzip
import os
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg

from bench.report import REPOSITORY
from ops import crime

SHARED = Path(os.environ.get("SAFEROUTE_SHARED", REPOSITORY.parent / "shared"))
CRIMES = SHARED / "data" / "crime" / "washington-dc-mpd-2012-2017.csv.gz"
STREETS = SHARED / "data" / "osm" / "washington-dc-nw.osm.pbf"
ZONE = ZoneInfo("America/New_York")


def midnight(year: int, month: int) -> datetime:
    """The first moment of a month in Washington."""
    return datetime(year, month, 1, tzinfo=ZONE)


def import_crimes(
    connection: psycopg.Connection, conninfo: str, city: str, keep: Callable[[dict[str, str]], bool]
) -> None:
    """Import the rows of the file that `keep` wants, then move them to a table `held_back`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "washington.csv.gz"
        with gzip.open(CRIMES, "rt", newline="") as source, gzip.open(path, "wt") as target:
            rows = csv.DictReader(source)
            assert rows.fieldnames
            writer = csv.DictWriter(target, rows.fieldnames)
            writer.writeheader()
            writer.writerows(row for row in rows if keep(row))
        crime.load(conninfo, path, crime.Request(city))
    connection.execute("create table held_back as table core.crime_data")
    connection.execute("delete from core.crime_data")


def know_until(connection: psycopg.Connection, moment: datetime) -> None:
    """Give back the crimes before the moment that are still held back, and refresh the risk."""
    connection.execute(
        """
        insert into core.crime_data
        select h.* from held_back as h
        where h.occurred_at < %s and not exists (
            select from core.crime_data as d
            where (d.cell, d.occurred_at, d.source, d.source_id)
                = (h.cell, h.occurred_at, h.source, h.source_id))
        """,
        [moment],
    )
    connection.execute("select core.refresh_risk()")


def quarter_after(moment: datetime) -> datetime:
    """91 days later."""
    return moment + timedelta(days=91)
