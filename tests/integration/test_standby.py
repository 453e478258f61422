"""Every function that only reads runs on a standby: reads are served there."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from ops import demo_city, osm
from tests.conftest import Primary, wait_for_replay

WALKER = "0192f0c1-0000-4000-8000-000000000001"
JOURNEY = "0192f0c1-0000-7000-8000-000000000002"
CONTACT = "0192f0c1-0000-7000-8000-000000000003"
REPORT = "0192f0c1-0000-7000-8000-000000000004"
ALERT = "0192f0c1-0000-7000-8000-000000000005"
TOKEN = "what-follows-the-number-sign-in-the-link"
LON, LAT = demo_city.LON, demo_city.LAT
FRIDAY_NIGHT = "2026-06-05 23:30+00"
LINE = {"type": "LineString", "coordinates": [[LON, LAT], [LON + 0.01, LAT]]}

# Each function of schema api that writes nothing, with arguments to try it with. A new one needs
# a line here.
CALLS: dict[str, dict[str, Any]] = {
    "alert_by_link": {"token": TOKEN},
    "alert_status": {"alert_id": ALERT},
    "alerts_since": {"seq": 0},
    "contact_invitation": {"token": TOKEN},
    "crimes_near": {"lon": LON, "lat": LAT, "radius_m": 1000},
    "journey_track": {"journey_id": JOURNEY},
    "my_alert_settings": {},
    "my_contacts": {},
    "my_endpoints": {},
    "my_journeys": {},
    "my_shares": {"journey_id": JOURNEY},
    "my_watch": {"journey_id": JOURNEY},
    "my_reports": {},
    "report_content": {"report_id": REPORT},
    "report_status": {"report_id": REPORT},
    "risk_at": {"lon": LON, "lat": LAT, "at": FRIDAY_NIGHT},
    "route_safety": {"route": json.dumps(LINE), "at": FRIDAY_NIGHT},
    "safe_routes": {
        "from_lon": LON - 0.01,
        "from_lat": LAT,
        "to_lon": LON + 0.01,
        "to_lat": LAT + 0.002,
        "depart_at": FRIDAY_NIGHT,
    },
}


def call(connection: psycopg.Connection, name: str, arguments: dict[str, Any]) -> Any:
    """The answer of a function to a signed-in person."""
    named = sql.SQL(", ").join(
        sql.SQL("{} => {}").format(sql.Identifier(key), sql.Literal(value))
        for key, value in arguments.items()
    )
    with connection.transaction():
        claims = json.dumps({"role": "authenticated", "sub": WALKER})
        connection.execute("select set_config('request.jwt.claims', %s, true)", [claims])
        connection.execute("set local role authenticated")
        query = sql.SQL("select api.{}({})").format(sql.Identifier(name), named)
        return connection.execute(query).fetchone()[0]


@pytest.fixture(scope="module")
def pair(
    primary: Primary, standby: Primary, template, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[psycopg.Connection, psycopg.Connection]]:
    """Connections to a demo city with one journey in it, on the primary and on the standby."""
    streets: Path = tmp_path_factory.mktemp("demo") / "streets.osm.pbf"
    demo_city.write(demo_city.draw(1), streets)
    with primary.copy(template, "reads"):
        osm.load(primary.conninfo("reads"), streets, demo_city.NAME)
        with psycopg.connect(primary.conninfo("reads"), autocommit=True) as writer:
            call(writer, "start_journey", {"journey_id": JOURNEY, "from_lon": LON, "from_lat": LAT})
            times = writer.execute(
                "select (now() - n * interval '1 minute')::text from generate_series(1, 9) as n"
            )
            points = [
                {"recorded_at": time, "lon": LON + number / 1000, "lat": LAT}
                for number, (time,) in enumerate(times)
            ]
            call(writer, "record_points", {"journey_id": JOURNEY, "points": json.dumps(points)})
            call(writer, "share_journey", {"journey_id": JOURNEY})
            call(writer, "watch_journey", {"journey_id": JOURNEY})
            contact = {
                "contact_id": CONTACT,
                "name": "Ben",
                "channel": "email",
                "address": "ben@mail.example",
                "from_name": "Zoë",
            }
            call(writer, "add_contact", contact)
            writer.execute("update core.contact_links set digest = sha256(%s)", [TOKEN.encode()])
            writer.execute("update core.contacts set state = 'accepted'")
            call(writer, "raise_sos", {"alert_id": ALERT})
            call(writer, "add_webhook", {"endpoint_id": ALERT, "url": "https://hook.example"})
            writer.execute(
                """insert into core.alert_links (digest, alert_id, contact_id, user_id, delivery_id)
                select sha256(%s), alert_id, contact_id, user_id, delivery_id
                from core.alert_deliveries""",
                [TOKEN.encode()],
            )
            call(writer, "request_report", {"report_id": REPORT, "kind": "export"})
            writer.execute("update core.reports set state = 'ready', media_type = '', content = ''")
            wait_for_replay(primary, standby)
            with psycopg.connect(standby.conninfo("reads"), autocommit=True) as reader:
                yield writer, reader


def test_every_function_that_reads_is_tried(
    pair: tuple[psycopg.Connection, psycopg.Connection],
) -> None:
    rows = pair[0].execute(
        "select proname from pg_proc"
        " where pronamespace = 'api'::regnamespace and provolatile <> 'v'"
    )
    assert sorted(name for (name,) in rows) == sorted(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_answers_as_the_primary_does(
    pair: tuple[psycopg.Connection, psycopg.Connection], name: str
) -> None:
    writer, reader = pair
    assert reader.execute("select pg_is_in_recovery()").fetchone() == (True,)
    answer = call(reader, name, CALLS[name])
    assert answer
    assert answer == call(writer, name, CALLS[name])
