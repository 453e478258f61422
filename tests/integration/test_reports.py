"""Reports of a walk in a town of a few streets: what they show, and what they never do."""

import itertools
import json
import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import gpxpy
import psycopg
import pytest

from worker import reports

WALKER = "0192f0c1-0000-4000-8000-000000000001"
JOURNEY = "0192f0c1-0000-7000-8000-000000000001"
ALERT = "0192f0c1-0000-7000-8000-000000000201"
REPORT = "0192f0c1-0000-7000-8000-000000000101"
BEGAN = datetime.now(UTC).replace(microsecond=250_000) - timedelta(hours=2)
HOSTILE = "<script>alert(1)</script> & \"quotes\" </blockquote><img src=x onerror='a()'>"

Point = tuple[float, float, int]  # metres east, metres north, seconds since the beginning

# Along High Street to its risky middle, six minutes on a bench, then five without a position.
WALK: list[Point] = [
    *((10 * n, 3, 10 * n) for n in range(31)),
    *((300 + n % 2, 3, 300 + 10 * n) for n in range(1, 37)),
    (500, 3, 960),
    (510, 3, 970),
]


def as_walker(db: psycopg.Connection, function: str, *arguments: Any) -> Any:
    """What api.<function> answers to the walker."""
    with db.transaction():
        db.execute("select tests.authenticate_as(%s)", [WALKER])
        marks = ", ".join(["%s"] * len(arguments))
        return db.execute(f"select api.{function}({marks})", arguments).fetchone()[0]


@pytest.fixture
def walked(db: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """The walk has ended; there was an alert on it, with a message."""
    db.autocommit = True
    db.execute("select tests.add_streets()")
    record(db, WALK)
    db.execute(
        """insert into core.contacts
            (contact_id, user_id, name, from_name, channel, address, language, priority, state)
        values (gen_random_uuid(), %s, '<b>Mum</b>', 'Zoe', 'sms', '+442079460123', 'en', 1,
            'accepted')""",
        [WALKER],
    )
    as_walker(db, "raise_sos", ALERT, JOURNEY, *positions(db, [(300, 3, 0)])[0], HOSTILE)
    # A drill, and one that was raised while they stood still.
    db.execute(
        "update core.alerts set is_drill = true, raised_at = %s", [BEGAN + timedelta(seconds=400)]
    )
    return db


def positions(db: psycopg.Connection, points: list[Point]) -> list[tuple[float, float]]:
    """Longitudes and latitudes."""
    query = "select st_x(p), st_y(p) from tests.town_point(%s, %s) as p"
    return [db.execute(query, point[:2]).fetchone() for point in points]


def record(db: psycopg.Connection, points: list[Point]) -> None:
    """Walk along these points."""
    places = positions(db, points)
    as_walker(db, "start_journey", JOURNEY, *places[0], None, None, BEGAN)
    sent = [
        {"recorded_at": (BEGAN + timedelta(seconds=point[2])).isoformat(), "lon": lon, "lat": lat}
        for point, (lon, lat) in zip(points, places, strict=True)
    ]
    as_walker(db, "record_points", JOURNEY, json.dumps(sent))
    as_walker(db, "end_journey", JOURNEY, BEGAN + timedelta(seconds=points[-1][2] + 20))


def facts_of(db: psycopg.Connection, kind: str) -> dict[str, Any]:
    """What a worker is told that makes this report."""
    as_walker(db, "request_report", REPORT, kind, json.dumps({"journey_id": JOURNEY}))
    with db.transaction():
        db.execute("set local role worker")
        claim = db.execute("select tasks.claim_report(%s)", [REPORT]).fetchone()[0]
        return db.execute("select tasks.report_facts(%s)", [claim["claim_id"]]).fetchone()[0]


class Page(HTMLParser):
    """What a browser makes of the page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def classes(self, tag: str) -> list[str]:
        return [attributes.get("class") or "" for name, attributes in self.tags if name == tag]


def test_the_page_shows_the_walk_on_its_streets(walked: psycopg.Connection) -> None:
    page = Page(reports.page(facts_of(walked, "journey_report")))
    assert "Gridton" in page.text
    # Lisbon's time, which the walk was in; not the server's.
    local = walked.execute(
        "select to_char(%s::timestamptz at time zone 'Europe/Lisbon', 'HH24:MI:SS')", [BEGAN]
    ).fetchone()[0]
    assert f"{local} to " in page.text
    assert "0.55 km, 69 positions" in page.text
    assert "Stood still for 6 min" in page.text
    assert "No positions for 5 min" in page.text
    # The middle third of High Street is risky, and only that.
    paths = page.classes("path")
    assert paths.count("track") == 1
    assert "middle-street" in paths
    pieces = [name for name in paths if name in ("low", "middle", "high", "unknown")][:-4]
    assert pieces == ["low", "low", "high", "high", "low", "low"]
    # Start, stay, alert, gap, end.
    assert page.classes("g") == [*(f"mark {what}" for what in happened(walked)), "bar"]
    assert happened(walked) == ["start", "stay", "alert", "gap", "end"]


def happened(db: psycopg.Connection) -> list[str]:
    rows = db.execute(
        "select h.what from core.journeys as j cross join core.walk_happenings(j, 32629) as h"
    ).fetchall()
    return [what for (what,) in rows]


def test_no_mark_hides_another(walked: psycopg.Connection) -> None:
    """The alert was raised on the bench, where the positions stopped as well."""
    page = Page(reports.page(facts_of(walked, "journey_report")))
    places = [
        tuple(map(float, re.findall(r"-?[\d.]+", attributes["transform"] or "")))
        for name, attributes in page.tags
        if name == "g" and attributes["class"] != "bar"
    ]
    radius = max(float(attributes["r"] or 0) for name, attributes in page.tags if name == "circle")
    assert len(places) == 5
    assert all(math.dist(a, b) > 1.9 * radius for a, b in itertools.combinations(places, 2))


def test_what_people_write_is_text_and_nothing_is_loaded(walked: psycopg.Connection) -> None:
    page = Page(reports.page(facts_of(walked, "journey_report")))
    assert HOSTILE in page.text
    assert "<b>Mum</b>" in page.text
    assert "DRILL: Alert" in page.text
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "img", "b", "iframe", "link", "object", "a", "image", "use"}
    attributes = {name for _, found in page.tags for name in found}
    assert not {name for name in attributes if name.startswith("on") or name in ("href", "src")}


def test_the_track_comes_back_from_the_gpx_as_it_was_recorded(walked: psycopg.Connection) -> None:
    xml = reports.gpx(facts_of(walked, "gpx"))
    read = gpxpy.parse(xml)
    assert 'version="1.1"' in xml
    assert 'xmlns="http://www.topografix.com/GPX/1/1"' in xml
    [segment] = read.tracks[0].segments
    recorded = walked.execute(
        "select st_x(geom), st_y(geom), recorded_at from core.journey_points order by recorded_at"
    ).fetchall()
    assert len(recorded) == len(WALK)
    assert [(p.longitude, p.latitude, p.time) for p in segment.points] == recorded
    assert [w.name for w in read.waypoints] == [
        "Start",
        "Stood still for 6 min",
        "Alert: SOS (drill)",
        "No positions for 5 min",
        "End",
    ]


def test_an_alert_cancelled_under_duress_looks_cancelled(walked: psycopg.Connection) -> None:
    walked.execute(
        """update core.alerts set is_duress = true, acknowledged_at = now(),
            shown_state = 'cancelled', shown_ended_at = raised_at + interval '1 minute'"""
    )
    walked.execute("update core.alert_deliveries set sent_at = now(), state = 'delivered'")
    page = Page(reports.page(facts_of(walked, "journey_report")))
    assert "Cancelled." in page.text
    assert "Acknowledged at" not in page.text
    assert "delivered" not in page.text


@pytest.mark.parametrize(
    "walk",
    [[(0, 3, 0)], [(0, 3, 0), (0, 3, 10)], [(9_000_000, 3, 0), (9_000_100, 3, 60)]],
    ids=["one position", "without moving", "in no city"],
)
def test_the_shortest_of_walks_has_a_report(db: psycopg.Connection, walk: list[Point]) -> None:
    db.autocommit = True
    db.execute("select tests.add_streets()")
    record(db, walk)
    page = Page(reports.page(facts_of(db, "journey_report")))
    assert page.classes("path").count("track") == 1
    assert "not known" in page.text
