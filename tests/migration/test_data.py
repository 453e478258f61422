"""What a filled database keeps: over a migration, and over pg_dump and a restore."""

import datetime
import json
import re
import uuid
from pathlib import Path
from typing import Any

import psycopg

from ops import migrations
from ops.upgrade import bring_up_to_date
from tests import small_city
from tests.conftest import Primary, conninfo, psql
from tests.migration.dump import dump

WALKER = uuid.UUID("00000000-0000-4000-8000-000000000001")
WALK = uuid.UUID("00000000-0000-7000-8000-000000000001")
NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
LON, LAT = small_city.WEST + 0.01, small_city.SOUTH + 0.01
# What of the first release must still be there, whatever columns are added to it.
KEPT = {
    "core.cities": "city_id, name, walkable_bounds",
    "core.regions": "prefix, label",
    "core.road_links": "edge_id, source, target, length_m, all_density",
    "core.crime_data": "source, source_id, occurred_at, cell, category, geom",
    "core.journeys": "journey_id, user_id, cell, started_at, points_from, points_until, cells",
    "core.journey_points": "journey_id, recorded_at, cell, user_id, geom, speed_mps",
    "core.point_quarantine": "journey_id, user_id, reason, digest",
    "partman.part_config": "parent_table, retention, premake",
}


def test_a_migration_keeps_what_is_there(old: psycopg.Connection) -> None:
    fill(old)
    old.execute("update partman.part_config set retention = '40 days' where retention is not null")
    before = {table: _rows(old, table) for table in KEPT}
    assert all(before.values())
    track = _call(old, "api.journey_track(%s)", WALK)
    old.commit()

    list(bring_up_to_date(conninfo(old), migrations.known()))

    assert {table: _rows(old, table) for table in KEPT} == before
    assert _call(old, "api.journey_track(%s)", WALK) == track
    assert len(_call(old, "api.crimes_near(%s, %s, 500)", LON, LAT)["features"]) == 1
    quarantined = old.execute("select recorded_at from core.point_quarantine").fetchall()
    assert quarantined == [(NOW - datetime.timedelta(hours=1),)]
    assert _call(old, "api.record_points(%s, %s)", WALK, _points(5, 8))["accepted"] == 3


def test_a_dump_restores_into_an_empty_database(
    new: psycopg.Connection, primary: Primary, tmp_path: Path
) -> None:
    fill(new)
    text = dump(new)
    (tmp_path / "dump.sql").write_text(text)
    with psycopg.connect(primary.conninfo("postgres"), autocommit=True) as admin:
        admin.execute("create database restored")
        try:
            with psycopg.connect(primary.conninfo("restored")) as restored:
                result = psql(restored, tmp_path / "dump.sql")
                assert (result.returncode, result.stderr) == (0, "")
                assert _comparable(dump(restored)) == _comparable(text)
                track = _call(restored, "api.journey_track(%s)", WALK)
                assert len(track["geometry"]["coordinates"]) == 5
                assert restored.execute("select core.ensure_partitions()").fetchone() == (0,)
        finally:
            admin.execute("drop database restored with (force)")


def fill(connection: psycopg.Connection) -> None:
    """A city with its regions, a crime, a walk with points and one that is quarantined."""
    city_id = small_city.build(connection)
    connection.execute("select core.add_city_regions(%s)", [city_id])
    at = datetime.datetime(2017, 5, 1, 22, tzinfo=datetime.UTC)
    small_city.commit_crimes(connection, [("1", at, "exact", "small assault", LON, LAT)])
    connection.execute("select core.refresh_risk()")
    connection.commit()
    started = NOW - datetime.timedelta(hours=2)
    _call(connection, "api.start_journey(%s, %s, %s, started_at => %s)", WALK, LON, LAT, started)
    connection.commit()
    _call(connection, "api.record_points(%s, %s)", WALK, _points(0, 5, {"lon": 500}))
    connection.commit()


def _points(begin: int, end: int, *others: dict[str, Any]) -> str:
    points = [
        {
            "recorded_at": (NOW - datetime.timedelta(minutes=60 - minute)).isoformat(),
            "lon": LON,
            "lat": LAT + minute * 1e-4,
        }
        for minute in range(begin, end)
    ]
    return json.dumps([*points, *({**points[0], **other} for other in others)])


def _call(connection: psycopg.Connection, call: str, *arguments: object) -> Any:
    """What the function answers to a signed-in person."""
    claims = json.dumps({"role": "authenticated", "sub": str(WALKER)})
    with connection.transaction():
        connection.execute("select set_config('request.jwt.claims', %s, true)", [claims])
        connection.execute("set local role authenticated")
        row = connection.execute(f"select {call}", arguments).fetchone()
        connection.execute("reset role")
    assert row is not None
    return row[0]


def _rows(connection: psycopg.Connection, table: str) -> list[Any]:
    return connection.execute(f"select {KEPT[table]} from {table} order by 1, 2").fetchall()


def _comparable(text: str) -> list[str]:
    return [line for line in text.splitlines() if not re.match(r"\\(un)?restrict ", line)]
