"""Reports as a real worker makes them, and what becomes of one whose worker is killed."""

import io
import json
import os
import signal
import zipfile
from typing import Any

import psycopg
import pytest

from ops import schema
from tests.conftest import Primary, conninfo
from tests.integration.worker.conftest import Workers, wait_until

WALKER = "0192f0c1-0000-4000-8000-000000000001"
JOURNEY = "0192f0c1-0000-7000-8000-000000000001"


def report_id(number: int) -> str:
    return f"0192f0c1-0000-7000-8000-00000000010{number}"


def as_walker(db: psycopg.Connection, function: str, *arguments: Any) -> Any:
    with db.transaction():
        db.execute("select tests.authenticate_as(%s)", [WALKER])
        marks = ", ".join(["%s"] * len(arguments))
        return db.execute(f"select api.{function}({marks})", arguments).fetchone()[0]


@pytest.fixture
def town(workers: Workers, primary: Primary, tmp_path) -> Workers:
    """A walker has walked along High Street; a worker may also do what operators do."""
    db = workers.db
    schema.set_passwords(conninfo(db), {"saferoute_owner": primary.password})
    workers.environment |= {
        "SAFEROUTE_OWNER_PASSWORD": primary.password,
        "SAFEROUTE_ARCHIVE_DIRECTORY": str(tmp_path),
    }
    db.execute("select tests.add_streets()")
    lon, lat = db.execute("select st_x(p), st_y(p) from tests.town_point(0, 3) as p").fetchone()
    as_walker(db, "start_journey", JOURNEY, lon, lat)
    now = db.execute("select now()").fetchone()[0].isoformat()
    points = [{"recorded_at": now, "lon": lon, "lat": lat}]
    as_walker(db, "record_points", JOURNEY, json.dumps(points))
    return workers


def route(db: psycopg.Connection, *metres: int) -> str:
    """A GeoJSON line along these pairs of metres."""
    query = """select st_asgeojson(st_makeline(tests.town_point(x, y) order by i))
        from unnest(%s::int[], %s::int[]) with ordinality as t (x, y, i)"""
    return db.execute(query, [list(metres[::2]), list(metres[1::2])]).fetchone()[0]


def states(db: psycopg.Connection) -> list[str]:
    rows = db.execute("select state from core.reports order by report_id").fetchall()
    return [state for (state,) in rows]


def test_a_worker_makes_every_kind_of_report(town: Workers) -> None:
    db = town.db
    walk = json.dumps({"journey_id": JOURNEY})
    good = route(db, 0, 0, 600, 0)
    routes = [
        {"route": good, "at": "2026-06-05T23:30:00Z"},
        {"route": "no line at all"},
        {"route": json.loads(good), "at": "yesterday evening"},
        {"route": json.loads(good)},
        {"route": '{"type":"LineString","coordinates":[[0,0],[0.001,0]]}'},
        "nothing",
        {"route": {"type": "LineString", "coordinates": [[500, 0], [0, 91]]}},
    ]
    as_walker(db, "request_report", report_id(1), "journey_report", walk)
    as_walker(db, "request_report", report_id(2), "gpx", walk)
    as_walker(db, "request_report", report_id(3), "route_safety", json.dumps({"routes": routes}))
    as_walker(db, "request_report", report_id(4), "export")
    town.start("bulk")
    wait_until(lambda: set(states(db)) == {"ready"})

    made = dict(db.execute("select report_id::text, content from core.reports").fetchall())
    assert made[report_id(1)].startswith(b"<!doctype html>")
    assert b"<trkpt " in made[report_id(2)]
    rated = json.loads(made[report_id(3)])["routes"]
    assert [each["number"] for each in rated] == list(range(7))
    asked = as_walker(db, "route_safety", good, "2026-06-05T23:30:00Z")
    assert rated[0]["answer"] == asked
    codes = [each.get("error", {}).get("code") for each in rated]
    assert codes == [None, "SR016", "22007", None, "SR014", "SR016", "SR010"]
    with zipfile.ZipFile(io.BytesIO(made[report_id(4)])) as bundle:
        assert json.loads(bundle.read("manifest.json"))["user_id"] == WALKER
        [point] = json.loads(bundle.read("journey_points.geojson"))["features"]
        assert point["properties"]["journey_id"] == JOURNEY
        assert "content" not in json.loads(bundle.read("reports.json"))[0]


def test_a_report_whose_worker_is_killed_is_made_by_another(town: Workers) -> None:
    db = town.db
    routes = [{"route": route(db, 0, 0, 600, 0)}] * 500
    as_walker(db, "request_report", report_id(1), "route_safety", json.dumps({"routes": routes}))
    first = town.start("bulk")

    def status(key: str) -> Any:
        return as_walker(db, "report_status", report_id(1))[key]

    wait_until(lambda: status("done") > 0)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert 0 < status("done") < 500
    # Its lease and a minute pass.
    db.execute(
        "update core.reports set claimed_until = now(), nudged_at = now() - interval '1 minute'"
    )
    db.execute("delete from pgmq.q_bulk")
    assert db.execute("select tasks.sweep_reports()").fetchone() == (1,)
    town.start("bulk")
    wait_until(lambda: status("state") == "ready")
    content = db.execute("select content from core.reports").fetchone()[0]
    assert len(json.loads(content)["routes"]) == 500
