"""Days go by and nobody maintains: a server whose clock is set ahead shows what happens."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ops import schema
from ops.cluster import Server, free_port, run
from tests.command import saferoute
from tests.conftest import OPTIONS

WALKER = "0192f0c1-0000-4000-8000-000000000001"
JOURNEY = "0192f0c1-0000-7000-8000-000000000002"
RECORD = """
select api.record_points(%s, json_build_array(
    json_build_object('recorded_at', now(), 'lon', -77.03, 'lat', 38.9)))"""


@dataclass
class TimeMachine:
    """A server of its own, which can be started again with its clock set ahead."""

    server: Server
    library: Path
    password: str = "secret"

    @property
    def conninfo(self) -> str:
        return (
            f"host=127.0.0.1 port={self.server.port} user=postgres password={self.password}"
            " dbname=saferoute"
        )

    def travel(self, days: int) -> None:
        """Start again so many days after today; timers run on."""
        self.server.stop("fast")
        self.start(days)

    def start(self, days: int) -> None:
        clock = {
            "LD_PRELOAD": str(self.library),
            "FAKETIME": f"+{days}d",
            "DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }
        run("pg_ctl", "-D", self.server.data, "-l", self.server.log, "-w", "start", env=clock)

    def as_walker(self, query: str, *arguments: Any) -> Any:
        """The answer of a function to the person who walks."""
        with psycopg.connect(self.conninfo) as connection:
            claims = json.dumps({"role": "authenticated", "sub": WALKER})
            connection.execute("select set_config('request.jwt.claims', %s, true)", [claims])
            connection.execute("set local role authenticated")
            return connection.execute(query, arguments).fetchone()[0]

    def as_owner(self, query: str) -> list[tuple]:
        with psycopg.connect(self.conninfo) as connection:
            connection.execute("set role saferoute_owner")
            return connection.execute(query).fetchall()

    def environment(self, archive: Path) -> dict[str, str]:
        """What the `saferoute` command needs to work here."""
        with psycopg.connect(self.conninfo) as connection:
            connection.execute("alter role saferoute_owner password 'owner'")
        return {
            "SAFEROUTE_DATABASE_HOSTS": f"127.0.0.1:{self.server.port}",
            "SAFEROUTE_OWNER_PASSWORD": "owner",
            "SAFEROUTE_ARCHIVE_DIRECTORY": str(archive),
        }

    def health(self) -> tuple[str, str]:
        """State and problems of the set of points."""
        return self.as_owner(
            "select state, array_to_string(problems, ' ') from ops.partition_health"
            " where parent = 'core.journey_points'::regclass"
        )[0]


@pytest.fixture
def machine(cluster_directory: Path) -> Iterator[TimeMachine]:
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    if not found:
        pytest.skip("the Debian package faketime is not installed: no clock can be set ahead")
    machine = TimeMachine(Server(cluster_directory / "time-machine", free_port()), found[0])
    machine.server.create_primary(machine.password, OPTIONS)
    machine.start(0)
    schema.create_database(machine.conninfo, "saferoute")
    schema.install(machine.conninfo)
    yield machine
    machine.server.stop("immediate")


def test_no_point_is_lost_without_maintenance(machine: TimeMachine, tmp_path: Path) -> None:
    machine.as_walker("select api.start_journey(%s, -77.03, 38.9)", JOURNEY)
    assert machine.as_walker(RECORD, JOURNEY)["accepted"] == 1
    assert machine.health() == ("green", "")

    machine.travel(days=4)
    state, problems = machine.health()
    assert state == "red", "four days before the first point that finds no period"
    assert "Only 3 of 7 periods ahead are there" in problems
    assert "no successful maintenance" in problems
    assert machine.as_walker(RECORD, JOURNEY)["accepted"] == 1

    machine.travel(days=7)
    assert machine.as_walker(RECORD, JOURNEY)["accepted"] == 1, "the last day that was premade"

    machine.travel(days=9)
    answer = machine.as_walker(RECORD, JOURNEY)
    assert answer == {
        "accepted": 0,
        "duplicates": 0,
        "quarantined": [{"index": 0, "reason": "period"}],
    }
    state, problems = machine.health()
    assert state == "red"
    assert "Only 0 of 7 periods ahead are there" in problems
    assert "Quarantined points wait for their period (1)" in problems

    done = saferoute("partitions", "maintain", "--json", **machine.environment(tmp_path))
    assert done.returncode == 0, done.stderr
    points = json.loads(done.stdout)[1]
    assert (points["set"], points["premade"], points["replayed"]) == ("journey_points", 9, 1)
    assert machine.as_owner(
        "select count(*), count(distinct recorded_at) from core.journey_points"
    ) == [(4, 4)]
    assert machine.as_owner("select count(*) from core.point_quarantine") == [(0,)]
    assert machine.health() == ("green", "")
