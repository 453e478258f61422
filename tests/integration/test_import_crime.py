"""`saferoute import crime`: real files, the same file again, corrected files, broken files."""

import csv
import gzip
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from pytest_postgresql import factories

from ops import schema
from ops.crime import Request, Summary, load
from ops.crime_formats import FormatName
from ops.errors import OperatorError
from tests.command import owners_environment, saferoute
from tests.shared import shared

washington_db = factories.postgresql("washington")

NORTHERN_IRELAND = "data/crime/uk-police-northern-ireland-2017q4.csv.gz"
WASHINGTON = "data/crime/washington-dc-mpd-2012-2017.csv.gz"
DC_HEADER = "REPORT_DAT,OFFENSE,PSA,CCN,XBLOCK,YBLOCK,START_DATE"
TABLES = (
    "crime_data",
    "crime_key",
    "crime_changes",
    "crime_loads",
    "crime_rejects",
    "crime_coverage",
)


def conninfo(connection: psycopg.Connection) -> str:
    """As the owner, who imports."""
    secret = connection.info.password
    return f"{connection.info.dsn} password={secret} options='-c role=saferoute_owner'"


def scalar(connection: psycopg.Connection, query: str, *values: object) -> object:
    connection.rollback()
    return connection.execute(query, values).fetchone()[0]


def contents(connection: psycopg.Connection) -> dict[str, list[tuple]]:
    """Every row of the crime tables, with its row version."""
    connection.rollback()
    return {
        table: connection.execute(f"select xmin, * from core.{table} order by 2, 3").fetchall()
        for table in TABLES
    }


def counts(summary: Summary) -> tuple[int, ...]:
    return (summary.loaded, summary.replaced, summary.unchanged, summary.removed)


@pytest.fixture
def cities(db: psycopg.Connection) -> psycopg.Connection:
    db.execute(
        """
        insert into core.cities (name, time_zone, utm_srid, walkable_bounds) values
        ('Washington', 'America/New_York', 32618,
            st_makeenvelope(-77.1065, 38.8802, -76.9743, 38.9759, 4326)),
        ('Belfast', 'Europe/London', 32630, st_makeenvelope(-6.05, 54.55, -5.82, 54.65, 4326)),
        ('Portland', 'America/Los_Angeles', 32610,
            st_makeenvelope(-122.8, 45.4, -122.5, 45.6, 4326))
        """
    )
    db.execute("select core.add_city_regions(city_id) from core.cities")
    db.commit()
    return db


def dc_file(path: Path, *rows: str) -> Path:
    path.write_text("\n".join([DC_HEADER, *rows]) + "\n")
    return path


THEFT = "1/2/2017 10:00:00 AM,THEFT/OTHER,203,101,394964,140772,1/2/2017 9:00:00 AM"
ROBBERY = "1/20/2017 10:00:00 AM,ROBBERY,203,102,395064,140872,1/20/2017 9:00:00 AM"
LATER = "2/3/2017 10:00:00 AM,ROBBERY,203,103,395064,140872,2/3/2017 9:00:00 AM"


def test_washington(washington_db: psycopg.Connection) -> None:
    db = washington_db
    load_row = "select rows_read, rows_loaded, rows_rejected from core.crime_loads"
    assert db.execute(load_row).fetchall() == [(45_808, 45_808, 0)]
    assert scalar(db, "select count(*) from core.crime_data") == 45_808
    assert scalar(db, "select count(*) from core.crime_data where occurred_at < '1917-01-01'") == 4
    inside = "select count(*) from core.crime_data, core.cities where geom && walkable_bounds"
    assert 19_000 < scalar(db, inside) < 25_000
    # One case number, four victims.
    victims = "select count(*) from core.crime_data where source_id like '15069981@%%'"
    assert scalar(db, victims) == 4
    # Blocks of Connecticut Avenue, of Anacostia, and of downtown, which no row of the file is in.
    covered = """
        select st_covers(area, st_setsrid(st_makepoint(%s, %s), 4326)) from core.crime_coverage"""
    assert scalar(db, covered, -77.0589, 38.9347)
    assert scalar(db, covered, -76.9897, 38.8480)
    assert not scalar(db, covered, -77.0365, 38.8977)
    period = "select covered_period <@ '[2012-12-01, 2017-12-03)' from core.crime_coverage"
    assert scalar(db, period)
    hours = """
        select count(*) from core.crime_data
        where category = 'homicide' and time_precision = 'exact'"""
    assert scalar(db, hours) == 259


def test_the_same_file_again_changes_nothing(washington_db: psycopg.Connection) -> None:
    before = contents(washington_db)
    summary = load(conninfo(washington_db), shared(WASHINGTON), Request("Washington"))
    assert counts(summary) == (0, 0, 45_808, 0)
    assert contents(washington_db) == before
    assert scalar(washington_db, "select count(*) from core.crime_key where xmax <> 0") == 0


def test_northern_ireland(cities: psycopg.Connection, tmp_path: Path) -> None:
    path = shared(NORTHERN_IRELAND)
    summary = load(conninfo(cities), path, Request("Belfast"))
    assert counts(summary) == (38_398, 0, 0, 0)
    assert summary.rejected == {"position": 194}
    assert scalar(cities, "select array_agg(distinct source) from core.crime_data") == [
        "data.police.uk/northern-ireland"
    ]
    months = """
        select array_agg(distinct to_char(occurred_at at time zone 'Europe/London',
            'YYYY-MM-DD HH24:MI')) from core.crime_data where time_precision = 'month'"""
    assert scalar(cities, months) == [f"2017-{month}-01 00:00" for month in (10, 11, 12)]
    # Equal rows are incidents of their own, and every row can be told from the others.
    assert scalar(cities, "select count(distinct source_id) from core.crime_data") == 38_398

    with gzip.open(path, "rt", newline="") as stream:
        rows = list(csv.reader(stream))
    november = [rows[0], *(row for row in rows if row[1] == "2017-11" and row[4])]
    del november[7]
    november[9][9] = "Robbery"
    corrected = tmp_path / "november.csv"
    with corrected.open("w", newline="") as stream:
        csv.writer(stream).writerows([november[0], *reversed(november[1:])])
    before = set(cities.execute("select xmin, source_id from core.crime_data").fetchall())
    summary = load(conninfo(cities), corrected, Request("Belfast"))
    changed = summary.loaded + summary.replaced
    assert 1 <= changed <= 3
    assert summary.removed == summary.loaded + 1
    assert summary.unchanged == len(november) - 1 - changed
    cities.rollback()
    after = set(cities.execute("select xmin, source_id from core.crime_data").fetchall())
    assert len(after) == 38_397
    assert len(after - before) == changed


def test_a_corrected_file_replaces(cities: psycopg.Connection, tmp_path: Path) -> None:
    path = dc_file(tmp_path / "crimes.csv", THEFT, ROBBERY, LATER)
    assert counts(load(conninfo(cities), path, Request("Washington"))) == (3, 0, 0, 0)
    # Now it happened in another month and another place, the robbery is gone, and one is new.
    moved = THEFT.replace("394964", "396964").replace("1/2/2017 9:00", "12/2/2016 9:00")
    dc_file(path, moved, LATER, ROBBERY.replace(",102,", ",104,"))
    assert counts(load(conninfo(cities), path, Request("Washington"))) == (1, 1, 1, 1)
    rows = cities.execute("select source_id from core.crime_data order by occurred_at").fetchall()
    assert [row[0] for row in rows] == ["101@2017-01#1", "104@2017-01#1", "103@2017-02#1"]
    assert scalar(cities, "select min(occurred_at) < '2016-12-03' from core.crime_data")


def test_a_later_file_leaves_what_it_does_not_cover(
    cities: psycopg.Connection, tmp_path: Path
) -> None:
    first = dc_file(tmp_path / "first.csv", THEFT, ROBBERY)
    load(conninfo(cities), first, Request("Washington"))
    # The feed of the last 30 days begins within January.
    second = dc_file(tmp_path / "second.csv", ROBBERY, LATER)
    assert counts(load(conninfo(cities), second, Request("Washington"))) == (1, 0, 1, 0)
    assert scalar(cities, "select count(*) from core.crime_data") == 3


def test_two_imports_at_once(cities: psycopg.Connection, tmp_path: Path) -> None:
    path = dc_file(tmp_path / "crimes.csv", THEFT, ROBBERY, LATER)
    with ThreadPoolExecutor(4) as pool:
        tries = [pool.submit(load, conninfo(cities), path, Request("Washington")) for _ in range(4)]
        results = sorted(counts(one.result()) for one in tries)
    assert results == [(0, 0, 3, 0)] * 3 + [(3, 0, 0, 0)]


def test_a_dry_run_changes_nothing(cities: psycopg.Connection, tmp_path: Path) -> None:
    path = dc_file(tmp_path / "crimes.csv", THEFT, ROBBERY)
    before = contents(cities)
    periods = scalar(cities, "select count(*) from core.periods('core.crime_data')")
    summary = load(conninfo(cities), path, Request("Washington", dry_run=True))
    assert counts(summary) == (2, 0, 0, 0)
    assert contents(cities) == before
    assert scalar(cities, "select count(*) from core.periods('core.crime_data')") == periods


def test_columns_by_map_in_feet(cities: psycopg.Connection, tmp_path: Path) -> None:
    path = tmp_path / "portland.csv"
    path.write_text(
        "OpenDataX,when,what,OpenDataY\n"
        "7645000,2017-03-12 02:30,Larceny,684000\n"  # no such local time: clocks went forward
        "7645000,2017-11-05T01:30:00+00:00,Robbery,684000\n"
        "7645000,2017-11-06,Robbery,684000\n"
    )
    request = Request(
        "Portland",
        mapping="time=when,lon=OpenDataX,lat=OpenDataY,category=what,srid=2913",
        source="portland.gov",
    )
    summary = load(conninfo(cities), path, request)
    assert (summary.loaded, summary.outside_the_streets) == (3, 0)
    assert summary.unknown_categories == {"Larceny": 1}
    cities.rollback()
    rows = cities.execute(
        "select (occurred_at at time zone 'UTC')::text, time_precision, category"
        " from core.crime_data order by occurred_at"
    ).fetchall()
    assert rows == [
        ("2017-03-12 10:30:00", "exact", "other"),
        ("2017-11-05 01:30:00", "exact", "robbery"),
        ("2017-11-06 08:00:00", "day", "robbery"),
    ]


def test_rejected_rows_are_kept_whole(cities: psycopg.Connection, tmp_path: Path) -> None:
    row = "1/2/2017 10:00:00 AM,THEFT/OTHER,203,{},{},{},{}"
    path = dc_file(
        tmp_path / "crimes.csv",
        THEFT,
        row.format(1, "NaN", 140772, "1/2/2017"),
        row.format(2, "", "", "1/2/2017"),
        row.format(3, -4_000_000, 140772, "1/2/2017"),  # about where the Pacific is
        "1/2/2099 10:00:00 AM,THEFT/OTHER,203,4,394964,140772,1/1/2099 9:00:00 AM",
        "yesterday,THEFT/OTHER,203,5,394964,140772,infinity",
        "short,row",
        row.format(6, 394964, 140772, "31/31/2017"),  # the day of the report stands in
    )
    summary = load(conninfo(cities), path, Request("Washington"))
    assert summary.rejected == {"fields": 1, "future": 1, "outside": 1, "position": 2, "time": 1}
    assert summary.loaded == 2
    cities.rollback()
    rejects = cities.execute(
        "select line_number, reason, content from core.crime_rejects order by line_number"
    ).fetchall()
    assert [reject[:2] for reject in rejects] == [
        *((3, "position"), (4, "position"), (5, "outside"), (6, "future"), (7, "time")),
        (8, "fields"),
    ]
    assert rejects[0][2]["XBLOCK"] == "NaN"
    assert rejects[-1][2] == {"fields": ["short", "row"]}
    assert scalar(cities, "select count(*) from core.crime_data where time_precision = 'day'") == 1


def test_a_coverage_that_is_given_stands(cities: psycopg.Connection, tmp_path: Path) -> None:
    path = dc_file(tmp_path / "crimes.csv", THEFT)
    area = tmp_path / "area.geojson"
    area.write_text(
        '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {},'
        ' "geometry": {"type": "Polygon", "coordinates":'
        " [[[-77.1, 38.9], [-77, 38.9], [-77, 39], [-77.1, 39], [-77.1, 38.9]]]}}]}"
    )
    for request in (Request("Washington", coverage=area), Request("Washington")):
        load(conninfo(cities), path, request)
        coverage = "select area_method || ' ' || st_astext(area) from core.crime_coverage"
        assert scalar(cities, coverage) == (
            "given MULTIPOLYGON(((-77.1 38.9,-77 38.9,-77 39,-77.1 39,-77.1 38.9)))"
        )


BROKEN = {
    "empty": (b"", "is empty"),
    "no rows": (DC_HEADER.encode(), "no rows"),
    "no header": (THEFT.encode(), "not the header of a known format"),
    "no text": (b"\x00\x01" * 50, "not a text file"),
    "cut in mid-line": (f"{DC_HEADER}\n{THEFT}\n{ROBBERY[:40]}".encode(), "cut off"),
    "cut gzip": (gzip.compress(f"{DC_HEADER}\n{THEFT}\n".encode() * 99)[:-20], "cut off"),
    "nothing usable": (f"{DC_HEADER}\n1,2,3,4,5,6,7\n".encode(), "no row that can be loaded"),
}


@pytest.mark.parametrize(("content", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file(
    content: bytes, message: str, cities: psycopg.Connection, tmp_path: Path
) -> None:
    load(conninfo(cities), dc_file(tmp_path / "sound.csv", THEFT), Request("Washington"))
    before = contents(cities)
    path = tmp_path / "broken.csv"
    path.write_bytes(content)
    with pytest.raises(OperatorError, match=message) as caught:
        load(conninfo(cities), path, Request("Washington"))
    assert "\n" not in str(caught.value)
    assert contents(cities) == before
    assert scalar(cities, "select count(*) from core.crime_staging") == 0


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (Request("Atlantis"), "no city 'Atlantis'; imported are: Belfast, Portland, Washington"),
        (Request("Washington", time_zone="Mars/Base"), "Mars/Base is not a time zone"),
        (Request("Washington", format_name=FormatName.POLICE_UK), "no column Month"),
        (Request("Washington", mapping="time=a,lon=b,lat=c,category=d", source="x"), "no column a"),
        (
            Request(
                "Washington",
                mapping="time=START_DATE,lon=XBLOCK,lat=YBLOCK,category=OFFENSE,srid=99",
                source="x",
            ),
            "EPSG:99 is not known",
        ),
    ],
)
def test_a_request_that_cannot_be_met(
    request_: Request, message: str, cities: psycopg.Connection, tmp_path: Path
) -> None:
    with pytest.raises(OperatorError, match=message):
        load(conninfo(cities), dc_file(tmp_path / "crimes.csv", THEFT), request_)


def test_one_stray_row_does_not_stretch_the_coverage(
    cities: psycopg.Connection, tmp_path: Path
) -> None:
    out = io.StringIO()
    for number in range(60):
        x, y = 394000 + 150 * (number % 8), 140000 + 150 * (number // 8)
        out.write(f"1/2/2017 10:00:00 AM,ROBBERY,203,{number},{x},{y},1/2/2017 9:00:00 AM\n")
    stray = "1/2/2017 10:00:00 AM,ROBBERY,203,99,344000,190000,1/2/2017 9:00:00 AM"
    path = dc_file(tmp_path / "crimes.csv", *out.getvalue().splitlines(), stray)
    summary = load(conninfo(cities), path, Request("Washington"))
    assert summary.loaded == 61
    assert 1 < summary.coverage[0]["square_km"] < 4


def test_what_a_dba_edits_stays(db: psycopg.Connection) -> None:
    db.execute("update core.crime_categories set severity = 9 where category = 'drugs'")
    db.execute("insert into core.crime_category_names values ('larceny', 'theft')")
    db.execute((schema.SQL / "schema" / "122_crime_categories.sql").read_bytes())
    severity = "select severity from core.crime_categories where category = 'drugs'"
    assert db.execute(severity).fetchone() == (9,)
    name = "select category from core.crime_category_names where published_name = 'larceny'"
    assert db.execute(name).fetchone() == ("theft",)


def test_the_command(cities: psycopg.Connection, tmp_path: Path) -> None:
    path = dc_file(tmp_path / "crimes.csv", THEFT, THEFT.replace("THEFT/OTHER", "JAYWALKING"))
    environment = owners_environment(cities)
    done = saferoute("import", "crime", path, "--city", "Washington", **environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert "loaded as other: JAYWALKING" in done.stdout
    path.write_text(path.read_text()[:-30])
    refused = saferoute("import", "crime", path, "--city", "Washington", **environment)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == (
        "saferoute: crimes.csv is cut off: its last line, 3, has 5 of 7 fields\n"
    )
