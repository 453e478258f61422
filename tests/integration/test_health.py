"""`saferoute partitions health` as an operator and a monitor use it, and its view on a standby."""

import json

import psycopg
import pytest

from tests.command import owners_environment, saferoute
from tests.conftest import Primary, wait_for_replay


def test_health_is_readable_and_green_at_first(db: psycopg.Connection) -> None:
    environment = owners_environment(db)
    answer = saferoute("partitions", "health", **environment)
    assert answer.returncode == 0, answer.stderr
    assert "journey_points" in answer.stdout
    assert answer.stdout.count("green") == 2

    rows = json.loads(saferoute("partitions", "health", "--json", **environment).stdout)
    assert {row["parent"]: row["premade"] for row in rows} == {"journey_points": 7, "crime_data": 2}


def test_health_ends_with_1_where_something_is_red(db: psycopg.Connection) -> None:
    environment = owners_environment(db)
    db.execute("update core.migrations set began_at = now() - interval '3 days'")
    db.execute(
        "insert into core.maintenance_runs (parent, ended_at) values ('core.crime_data', now())"
    )
    db.commit()
    answer = saferoute("partitions", "health", **environment)
    assert answer.returncode == 1
    assert "journey_points: There has been no successful maintenance yet" in answer.stdout
    assert saferoute("partitions", "health", "crime_data", **environment).returncode == 0


@pytest.mark.parametrize("arguments", [["nothing"], ["nothing", "--json"]])
def test_an_unknown_set_is_refused(db: psycopg.Connection, arguments: list[str]) -> None:
    answer = saferoute("partitions", "health", *arguments, **owners_environment(db))
    assert answer.returncode == 2
    assert answer.stderr == (
        "saferoute: nothing is not a partition set; there are crime_data, journey_points\n"
    )


def test_health_on_a_standby_as_operator(
    db: psycopg.Connection, primary: Primary, standby: Primary
) -> None:
    wait_for_replay(primary, standby)
    with psycopg.connect(standby.conninfo(db.info.dbname)) as reader:
        reader.execute("set role operator")
        states = reader.execute("select state from ops.partition_health").fetchall()
    assert states == [("green",), ("green",)]
