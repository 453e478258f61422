"""Whether planning stays flat as partitions grow: every endpoint at 50 to 3,000 leaves."""

import datetime
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from pathlib import Path
from statistics import median

import psycopg
from psycopg import sql

from bench.cluster import BenchServer, bench_server
from bench.planning.leaves import grow
from bench.report import Result, write_result
from bench.routing.crimes import load_crimes
from ops import demo, demo_city, osm

LEAVES = (50, 200, 1000, 3000)
ROUNDS = 7
COMMAND = "from ops.command import main; main()"
CALLS = 5
USER = "00000000-0000-4000-8000-000000000001"
OPTIONS = {
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.track": "all",
    "pg_stat_statements.track_planning": "on",
    "max_locks_per_transaction": "1024",
}
# One call of each endpoint, arguments as Database.call gives them.
_BEN = "'Ben', 'email', %(contact)s || '@mail.example', 'Zoe'"
_NEW = "'New', 'email', %(new_id)s || '@mail.example', 'Zoe'"
# A walk has room for 20 links.
_SHARED = (
    "select api.revoke_share((s ->> 'share_id')::uuid) from api.share_journey(%(journey)s) as s"
)
_REPORT = "api.request_report(%(new_id)s, 'export')"
# By somebody else than the walker.
_CONNECT = (
    "select set_config('request.jwt.claims', json_build_object('sub', %(contact)s)::text, true), "
    "api.connect_contact(%(token)s)"
)
_SOS = "select api.raise_sos(%(new_id)s, %(journey)s)"
# The account of the accepted contact has the contact's id.
_AS_CONTACT = "set_config('request.jwt.claims', json_build_object('sub', %(accepted)s)::text, true)"
_KEYS = "repeat('A', 87), repeat('B', 22)"
_AREA = "select api.add_geofence(%(journey)s, %(journey)s, 'risk', min_risk => 1)"
CALLS_OF = {
    "add_geofence": _AREA,
    "accept_contact": "select api.accept_contact(%(token)s)",
    "acknowledge_alert": f"{_SOS}, {_AS_CONTACT}, api.acknowledge_alert(%(new_id)s)",
    "acknowledge_by_link": "select api.acknowledge_by_link(%(token)s)",
    "add_browser": f"select api.add_browser(%(report)s, 'https://push.example', {_KEYS})",
    "add_contact": f"select api.add_contact(%(contact)s, {_BEN})",
    "add_webhook": "select api.add_webhook(%(journey)s, 'https://hook.example')",
    "alert_by_link": "select api.alert_by_link(%(token)s)",
    "alert_status": f"{_SOS}, api.alert_status(%(new_id)s)",
    "alerts_since": "select api.alerts_since(0)",
    "cancel_sos": f"{_SOS}, api.cancel_sos(%(new_id)s)",
    "connect_contact": _CONNECT,
    "check_in": "select api.check_in(%(journey)s)",
    "contact_invitation": "select api.contact_invitation(%(token)s)",
    "crimes_near": "select api.crimes_near(%(lon)s, %(lat)s)",
    "decline_contact": "select api.decline_contact(%(token)s)",
    "extend_watch": "select api.extend_watch(%(journey)s, now() + interval '1 hour')",
    "end_journey": "select api.end_journey(%(ended_journey)s)",
    "journey_track": "select api.journey_track(%(journey)s)",
    "my_alert_settings": "select api.my_alert_settings()",
    "my_contacts": "select api.my_contacts()",
    "my_endpoints": "select api.my_endpoints()",
    "my_journeys": "select api.my_journeys()",
    "my_watch": "select api.my_watch(%(journey)s)",
    "my_shares": "select api.my_shares(%(journey)s)",
    "my_reports": "select api.my_reports()",
    "raise_drill": "select api.raise_drill(%(journey)s)",
    "raise_sos": _SOS,
    "record_points": "select api.record_points(%(journey)s, %(points)s)",
    "remove_geofence": "select api.remove_geofence(%(journey)s, %(journey)s)",
    "remove_contact": f"select api.add_contact(%(new_id)s, {_NEW}), api.remove_contact(%(new_id)s)",
    "remove_endpoint": "select api.remove_endpoint(%(new_id)s)",
    "remove_report": f"select {_REPORT}, api.remove_report(%(new_id)s)",
    "reorder_contacts": "select api.reorder_contacts(array[%(contact)s, %(accepted)s])",
    "report_content": "select api.report_content(%(report)s)",
    "report_status": "select api.report_status(%(report)s)",
    "request_report": f"select {_REPORT}, api.remove_report(%(new_id)s)",
    "resend_contact_invitation": "select api.resend_contact_invitation(%(accepted)s)",
    "resolve_alert": f"{_SOS}, api.resolve_alert(%(new_id)s)",
    "revoke_share": _SHARED,
    "risk_at": "select api.risk_at(%(lon)s, %(lat)s, %(at)s)",
    "route_safety": "select api.route_safety(%(line)s, %(at)s)",
    "safe_routes": "select api.safe_routes(%(lon)s, %(lat)s, %(to_lon)s, %(to_lat)s, %(at)s)",
    "set_alert_settings": "select api.set_alert_settings(countdown_s => 0)",
    "share_journey": _SHARED,
    "start_journey": "select api.start_journey(%(new_id)s, %(lon)s, %(lat)s)",
    "update_contact": "select api.update_contact(%(contact)s, 'Ben')",
    "verify_contact": "select api.verify_contact(%(accepted)s, '000000')",
    "watch_journey": "select api.watch_journey(%(journey)s)",
    "withdraw_contact": "select api.withdraw_contact(%(token)s)",
}
# What an endpoint would cost that forgets its bounds: shows that the method sees it.
CONTROL = "no bounds (control)"
_CONTROL = "select count(*) from core.journey_points where journey_id = %(journey)s"
Position = tuple[float, float]


class Database:
    """A database with so many leaves in each partition set, and a caller connected to it."""

    def __init__(self, server: BenchServer, leaves: int) -> None:
        name = f"leaves_{leaves}"
        with psycopg.connect(server.conninfo(dbname="postgres"), autocommit=True) as admin:
            create = sql.SQL("create database {} template saferoute")
            admin.execute(create.format(sql.Identifier(name)))
        self.admin = psycopg.connect(server.conninfo(dbname=name), autocommit=True)
        self.admin.execute("create extension pg_stat_statements")
        for parent in ("core.journey_points", "core.crime_data"):
            grow(self.admin, parent, leaves)
        self.admin.execute("vacuum analyze")
        self.caller = psycopg.connect(server.conninfo(dbname=name), autocommit=True)
        claims = json.dumps({"role": "authenticated", "sub": USER})
        self.caller.execute("select set_config('request.jwt.claims', %s, false)", [claims])
        self.caller.execute("set role authenticated")
        self.trip = _trip(self.admin)
        self.journeys = [self._start_journey() for _ in range(20)]
        self.caller.execute("select api.watch_journey(%s)", [self.journeys[0]])
        self.admin.execute("update core.message_limits set amount = 1e9")
        self.contacts = [self._add_contact() for _ in range(2)]
        self.caller.execute("select api.accept_contact(%s)", [self.contacts[1][1]])
        self.admin.execute(
            "update core.contacts set contact_user_id = contact_id where state = 'accepted'"
        )
        self.caller.execute("select api.raise_sos(%s)", [uuid.uuid4()])
        self.admin.execute(
            """insert into core.alert_links (digest, alert_id, contact_id, user_id, delivery_id)
            select sha256(%s), alert_id, contact_id, user_id, delivery_id
            from core.alert_deliveries where channel = 'live'""",
            [self.contacts[0][1].encode()],
        )
        self.report = uuid.uuid4()
        self.caller.execute("select api.request_report(%s, 'export')", [self.report])
        self.admin.execute("update core.reports set state = 'ready', media_type = '', content = ''")

    def missing(self) -> set[str]:
        """Endpoints that CALLS_OF does not know."""
        rows = self.admin.execute(
            "select proname from pg_proc where pronamespace = 'api'::regnamespace"
        )
        return {name for (name,) in rows} - set(CALLS_OF)

    def measure(self, endpoint: str) -> tuple[float, float]:
        """Milliseconds of planning, and in all, of one call: means over CALLS calls.

        Planning is that of the call and of every statement inside the functions it calls.
        """
        self.admin.execute("select pg_stat_statements_reset()")
        began = time.perf_counter()
        for _ in range(CALLS):
            self.call(endpoint)
        took = time.perf_counter() - began
        planning = self.admin.execute(
            """select sum(total_plan_time) from pg_stat_statements
            where dbid = (select oid from pg_database where datname = current_database())
                and query !~ 'pg_stat_statements'"""
        ).fetchone()
        assert planning is not None
        return float(planning[0]) / CALLS, took * 1000 / CALLS

    def call(self, endpoint: str) -> None:
        """One call, with points or an id of its own where it writes; or the control."""
        origin, destination = self.trip
        line = json.dumps({"type": "LineString", "coordinates": self.trip})
        if endpoint == CONTROL:
            self.admin.execute(_CONTROL, {"journey": self.journeys[0]}, prepare=False).fetchall()
            return
        self.caller.execute(
            CALLS_OF[endpoint],
            {
                "lon": origin[0],
                "lat": origin[1],
                "to_lon": destination[0],
                "to_lat": destination[1],
                "line": line,
                "at": "2014-12-06 23:00Z",
                "journey": self.journeys[0],
                "ended_journey": self.journeys[1],
                "contact": self.contacts[0][0],
                "token": self.contacts[0][1],
                "accepted": self.contacts[1][0],
                "report": self.report,
                "new_id": uuid.uuid4(),
                "points": _points(origin, 10),
            },
        ).fetchall()

    def _start_journey(self) -> uuid.UUID:
        """Start a journey and record 200 points."""
        journey_id = uuid.uuid4()
        self.caller.execute("select api.start_journey(%s, %s, %s)", [journey_id, *self.trip[0]])
        points = _points(self.trip[0], 200)
        self.caller.execute("select api.record_points(%s, %s)", [journey_id, points])
        return journey_id

    def _add_contact(self) -> tuple[uuid.UUID, str]:
        """Add an emergency contact; its id, and the token of the link it was sent."""
        contact_id = uuid.uuid4()
        self.caller.execute(f"select api.add_contact(%(contact)s, {_BEN})", {"contact": contact_id})
        query = """select split_part(parameters ->> 'link', '#', 2) from core.outbound_messages
            where address = %s || '@mail.example'"""
        row = self.admin.execute(query, [contact_id]).fetchone()
        assert row is not None
        return contact_id, row[0]


def main() -> None:
    """Measure, print, write `result.json`."""
    measured: dict[tuple[str, int], list[tuple[float, float]]] = defaultdict(list)
    with bench_server(OPTIONS) as server:
        _load_city(server)
        databases = {leaves: Database(server, leaves) for leaves in LEAVES}
        if missing := databases[LEAVES[0]].missing():
            raise SystemExit(f"no call is known for {', '.join(sorted(missing))}")
        for round_ in range(-1, ROUNDS):  # the first warms caches and plans
            for endpoint in (*CALLS_OF, CONTROL):
                for leaves in random.sample(LEAVES, len(LEAVES)):
                    figures = databases[leaves].measure(endpoint)
                    if round_ >= 0:
                        measured[endpoint, leaves].append(figures)
        for database in databases.values():
            database.admin.close()
            database.caller.close()
        commands = [_command(server, name) for name in ("list", "health")]
    results = [
        result for endpoint in (*CALLS_OF, CONTROL) for result in _results(endpoint, measured)
    ]
    results += commands
    write_result(Path(__file__).parent, "Planning of every endpoint, one call", results)


def _command(server: BenchServer, name: str) -> Result:
    """Seconds of `saferoute partitions list` or `health` where both sets have the most leaves."""
    environment = {
        "SAFEROUTE_ENV_FILE": os.devnull,
        "SAFEROUTE_DATABASE_HOSTS": f"127.0.0.1:{server.port}",
        "SAFEROUTE_DATABASE": f"leaves_{LEAVES[-1]}",
        "SAFEROUTE_OWNER_PASSWORD": server.password,
    }
    times = []
    for _ in range(CALLS):
        began = time.perf_counter()
        process = subprocess.run(
            [sys.executable, "-c", COMMAND, "partitions", name],
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
            check=False,
        )
        times.append(time.perf_counter() - began)
        if process.returncode not in (0, 1):  # 1: unhealthy
            raise SystemExit(f"saferoute partitions {name} failed")
    measure = f"saferoute partitions {name}, two sets of {LEAVES[-1]:,} leaves"
    return Result(measure, median(times), "s", goal="<= 2", rounds=CALLS)


def _results(
    endpoint: str, measured: dict[tuple[str, int], list[tuple[float, float]]]
) -> list[Result]:
    planning, whole = (
        {leaves: median(figures[i] for figures in measured[endpoint, leaves]) for leaves in LEAVES}
        for i in (0, 1)
    )
    fewest, most = LEAVES[0], LEAVES[-1]
    return [
        Result(f"{endpoint}: planning at {fewest} leaves", planning[fewest], "ms", rounds=ROUNDS),
        *(
            Result(
                f"{endpoint}: planning at {leaves} leaves",
                planning[leaves],
                "ms",
                against=f"at {fewest} leaves",
                ratio=planning[leaves] / planning[fewest],
                goal="<= 1.5" if leaves == most and endpoint != CONTROL else None,
                rounds=ROUNDS,
            )
            for leaves in LEAVES[1:]
        ),
        Result(
            f"{endpoint}: the whole call at {most} leaves",
            whole[most],
            "ms",
            against=f"at {fewest} leaves",
            ratio=whole[most] / whole[fewest],
            rounds=ROUNDS,
        ),
    ]


def _load_city(server: BenchServer) -> None:
    """The demo city with 20,000 crimes, in the database the others are copied from."""
    with tempfile.TemporaryDirectory() as folder:
        streets, *_ = demo.write(Path(folder), seed=1)
        osm.load(server.conninfo("saferoute_owner"), streets, demo_city.NAME)
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        load_crimes(connection, 20_000, seed=1)


def _trip(admin: psycopg.Connection) -> tuple[Position, Position]:
    """Two corners of the streets, about a fifth of the city's diagonal apart."""
    rows = admin.execute(
        """select st_x(p.geom), st_y(p.geom) from core.cities as c
        cross join lateral (values (0.4), (0.6)) as s (share)
        cross join lateral (
            select v.geom from core.road_links as l
            inner join core.road_vertices as v on v.vertex_id = l.source
            order by v.geom <-> st_lineinterpolatepoint(st_makeline(
                st_point(st_xmin(c.walkable_bounds), st_ymin(c.walkable_bounds), 4326),
                st_point(st_xmax(c.walkable_bounds), st_ymax(c.walkable_bounds), 4326)), s.share)
            limit 1) as p order by s.share"""
    ).fetchall()
    return rows[0], rows[1]


def _points(position: Position, count: int) -> str:
    """A batch of points at one position, in the last hour."""
    now = datetime.datetime.now(datetime.UTC)
    ages = [datetime.timedelta(seconds=random.uniform(0, 3600)) for _ in range(count)]
    keys = ("recorded_at", "lon", "lat")
    return json.dumps(
        [dict(zip(keys, ((now - age).isoformat(), *position), strict=True)) for age in ages]
    )


if __name__ == "__main__":
    main()
