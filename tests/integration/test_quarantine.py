"""Quarantine: nothing that is sent or imported is dropped silently, and what is fixed is stored."""

import datetime
import json
import random
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.command import owners_environment, saferoute
from tests.conftest import conninfo

WALKER = "00000000-0000-4000-8000-000000000001"
ORIGIN = (-77.03, 38.9)
NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
CRIMES = """id,time,lon,lat,category
1,2016-03-01,-77.05,38.85,theft
2,2016-03-04,-77.06
3,2016-03-05,38.86,-77.06,theft
4,2016-03-06,,,theft
5,2016-03-25,-77.05,38.85,theft
"""
MAP = "id=id,time=time,lon=lon,lat=lat,category=category"


def start(connection: psycopg.Connection, days: int = 25) -> uuid.UUID:
    """A journey of the walker; the connection then calls as them, one transaction per call."""
    connection.rollback()
    connection.autocommit = True
    claims = json.dumps({"role": "authenticated", "sub": WALKER})
    connection.execute("select set_config('request.jwt.claims', %s, false)", [claims])
    journey_id = uuid.uuid4()
    began = NOW - datetime.timedelta(days=days)
    connection.execute(
        "select api.start_journey(%s, %s, %s, started_at => %s)", [journey_id, *ORIGIN, began]
    )
    return journey_id


def record(connection: psycopg.Connection, journey_id: uuid.UUID, points: list[Any]) -> Any:
    query = "select api.record_points(%s, %s)"
    return connection.execute(query, [journey_id, json.dumps(points)]).fetchone()[0]


def point(age: datetime.timedelta, lon: object = ORIGIN[0], lat: object = ORIGIN[1]) -> Any:
    return {"recorded_at": (NOW - age).isoformat(), "lon": lon, "lat": lat}


def minutes(number: int) -> datetime.timedelta:
    return datetime.timedelta(minutes=number)


def remove_periods(connection: psycopg.Connection, days: range) -> None:
    """As if upkeep had not made the periods of so many days ago."""
    for (period,) in connection.execute(
        """select p.period::text from core.periods('core.journey_points') as p
        where date_trunc('day', now(), 'UTC') - p.lower_bound = any(%s)""",
        [[datetime.timedelta(days=day) for day in days]],
    ).fetchall():
        connection.execute(f"drop table {period}")


def value(connection: psycopg.Connection, query: str, *parameters: object) -> Any:
    return connection.execute(query, parameters).fetchone()[0]


def test_every_point_of_every_batch_is_accounted_for(db: psycopg.Connection) -> None:
    chance = random.Random(3)
    journey_id = start(db)
    remove_periods(db, range(4, 8))
    makers = (
        lambda: point(minutes(chance.randrange(3000))),
        lambda: point(minutes(chance.randrange(1440 * 10))),  # some of these days have no period
        lambda: point(minutes(chance.randrange(100)), *reversed(ORIGIN)),
        lambda: point(minutes(chance.randrange(100)), "NaN"),
        lambda: point(minutes(chance.randrange(100)), "west"),
        lambda: point(minutes(60_000)),
        lambda: chance.choice([7, None, [], {}, {"recorded_at": "2026-13-45T00:00:00Z"}]),
    )
    accepted = 0
    quarantined: set[str] = set()
    for _ in range(60):
        chosen = chance.sample(makers, chance.randint(1, len(makers)))
        batch = [chance.choice(chosen)() for _ in range(chance.randint(1, 40))]
        answer = record(db, journey_id, batch)
        sent = answer["accepted"] + answer["duplicates"] + len(answer["quarantined"])
        assert sent == len(batch)
        accepted += answer["accepted"]
        quarantined |= {json.dumps(batch[entry["index"]]) for entry in answer["quarantined"]}
    assert value(db, "select count(*) from core.journey_points") == accepted > 100
    assert value(db, "select count(*) from core.point_quarantine") == len(quarantined) > 100
    reasons = value(db, "select array_agg(distinct reason) from core.point_quarantine")
    assert reasons == ["far", "period", "position", "time", "unreadable"]


def test_upkeep_off_for_longer_than_it_works_ahead(db: psycopg.Connection) -> None:
    """Points of days that nobody has made wait for them, and lie where they would have lain."""
    journey_id = start(db)
    points = [point(minutes(number * 20)) for number in range(1000)]  # two weeks
    remove_periods(db, range(-9, 9))
    answers = [record(db, journey_id, points[at : at + 100]) for at in range(0, 1000, 100)]
    accepted = sum(answer["accepted"] for answer in answers)
    waiting = sum(len(answer["quarantined"]) for answer in answers)
    assert accepted + waiting == 1000
    assert accepted > 0
    assert waiting > 500
    environment = owners_environment(db)

    nothing = saferoute("quarantine", "replay", "--reason", "period", "--points", **environment)
    assert nothing.stdout == f"0 points replayed, {waiting} wait\n"
    db.execute("select core.ensure_partitions()")
    replayed = saferoute("quarantine", "replay", "--reason", "period", "--points", **environment)
    assert replayed.stdout == f"{waiting} points replayed, 0 wait\n"
    # Sent again, as phones do that got no answer: all is there.
    assert record(db, journey_id, points) == {
        "accepted": 0,
        "duplicates": 1000,
        "quarantined": [],
    }
    assert value(db, "select api.journey_track(%s) #>> '{properties,points}'", journey_id) == "1000"


def test_eight_replays_at_once_store_each_point_once(db: psycopg.Connection) -> None:
    journeys = [start(db) for _ in range(5)]
    remove_periods(db, range(3, 6))
    points = [point(datetime.timedelta(days=4) + minutes(number)) for number in range(200)]
    # The same moments with another speed: rows of their own in the quarantine, one point each.
    points += [entry | {"speed_mps": 1} for entry in points]
    random.Random(3).shuffle(points)
    for at in range(0, 400, 5):  # so that each replay has points of every journey
        for journey_id in journeys:
            record(db, journey_id, points[at : at + 5])
    assert value(db, "select count(*) from core.point_quarantine") == 5 * 400
    db.execute("select core.ensure_partitions()")

    def replay(_: int) -> int:
        done = 0
        with psycopg.connect(conninfo(db), autocommit=True) as session:
            while step := value(session, "select core.replay_points('period', 30)"):
                done += step
        return done

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(replay, range(8))) == 5 * 400
    assert value(db, "select count(*) from core.point_quarantine") == 0
    assert value(db, "select count(*) from core.journey_points") == 5 * 200


def test_swapped_points_by_the_command(db: psycopg.Connection) -> None:
    journey_id = start(db)
    swapped = [point(minutes(number), *reversed(ORIGIN)) for number in range(3)]
    record(db, journey_id, [*swapped, point(minutes(9), 10, 10), 7])
    environment = owners_environment(db)
    rows = json.loads(saferoute("quarantine", "list", "--json", **environment).stdout)
    assert [row["reason"] for row in rows] == ["far"] * 4 + ["unreadable"]
    assert str(ORIGIN[0]) not in json.dumps(rows), "a list shows no position"
    ids = [row["id"] for row in rows]

    explained = saferoute("quarantine", "explain", ids[0], ids[4], **environment).stdout
    said = re.fullmatch(
        rf"{ids[0]} It is 14,\d\d\d km from where its journey began; about 300 km are accepted\."
        rf" Its longitude and latitude look swapped\.\n    (.+)\n{ids[4]} It is no object .+\n",
        explained,
    )
    assert said is not None, explained
    dry = saferoute("quarantine", "fix", "--reason", "far", "--swap", "--dry-run", **environment)
    assert dry.stdout == "3 points fixed (dry run: nothing was changed)\n"
    assert value(db, "select count(fixed) from core.point_quarantine") == 0
    # The command that explain shows does what it says.
    fixed = saferoute(*said[1].split()[1:], **environment)
    assert fixed.stdout == f"{ids[0]} It can be stored now.\n"
    group = saferoute("quarantine", "fix", "--reason", "far", "--swap", **environment)
    assert group.stdout == "2 points fixed\n"

    dry = saferoute("quarantine", "replay", "--dry-run", "--points", **environment)
    assert dry.stdout == "3 points replayed, 2 wait (dry run: nothing was changed)\n"
    assert value(db, "select count(*) from core.journey_points") == 0
    some = saferoute("quarantine", "replay", ids[0], ids[4], **environment)
    assert some.stdout.startswith(f"1 point replayed, 4 wait\n{ids[4]} stays: It is no object")
    rest = saferoute("quarantine", "replay", "--json", **environment)
    assert json.loads(rest.stdout) == [
        {"kind": "point", "replayed": 2, "waiting": 2},
        {"kind": "crime", "replayed": 0, "waiting": 0},
    ]
    track = value(db, "select api.journey_track(%s) -> 'geometry' -> 'coordinates'", journey_id)
    assert track == [list(ORIGIN)] * 3

    unanswered = saferoute("quarantine", "discard", ids[3], **environment)
    assert unanswered.returncode != 0
    assert value(db, "select count(*) from core.point_quarantine") == 2
    dry = saferoute("quarantine", "discard", "--reason", "far", "--dry-run", **environment)
    assert dry.stdout == "1 point discarded (dry run: nothing was changed)\n"
    gone = saferoute("quarantine", "discard", ids[3], ids[4], "--yes", **environment)
    assert gone.stdout == "2 points discarded\n"
    assert value(db, "select count(*) from core.point_quarantine") == 0


@pytest.fixture
def crimes(db: psycopg.Connection, tmp_path: Path) -> dict[str, str]:
    """A city whose crimes were imported, all but three rows; the command's environment."""
    db.execute(
        """insert into core.cities (name, time_zone, utm_srid, walkable_bounds) values
        ('Washington', 'UTC', 32618, st_makeenvelope(-77.1, 38.8, -76.9, 39, 4326))"""
    )
    environment = owners_environment(db)
    import_file(tmp_path, CRIMES, environment)
    return environment


def import_file(folder: Path, text: str, environment: dict[str, str]) -> str:
    path = folder / "crimes.csv"
    path.write_text(text)
    options = ("--city", "Washington", "--map", MAP, "--source", "test")
    done = saferoute("import", "crime", path, *options, **environment)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_rejected_crimes_by_the_command(
    db: psycopg.Connection, crimes: dict[str, str], tmp_path: Path
) -> None:
    rows = json.loads(saferoute("quarantine", "list", "--crimes", "--json", **crimes).stdout)
    assert [(row["reason"], row["origin"]) for row in rows] == [
        ("fields", "crimes.csv, line 3"),
        ("outside", "crimes.csv, line 4"),
        ("position", "crimes.csv, line 5"),
    ]
    short, swapped, nowhere = (row["id"] for row in rows)
    explained = saferoute("quarantine", "explain", swapped, **crimes).stdout
    command = f"saferoute quarantine fix {swapped} --set lat=38.86 --set lon=-77.06"
    assert explained.endswith(f"Exchanged, its coordinates would do.\n    {command}\n")
    assert saferoute(*command.split()[1:], **crimes).stdout == f"{swapped} It can be loaded now.\n"
    values = ("--set", "lat=38.87", "--set", "category=robbery")
    saferoute("quarantine", "fix", short, *values, "--dry-run", **crimes)
    assert value(db, "select count(fixed) from core.crime_rejects") == 1
    saferoute("quarantine", "fix", short, *values, **crimes)

    known = "select count(*) from core.crime_data"
    assert saferoute("quarantine", "replay", "--dry-run", "--crimes", **crimes).stdout == (
        "2 crimes replayed, 1 wait (dry run: nothing was changed)\n"
    )
    assert value(db, known) == 2
    replayed = saferoute("quarantine", "replay", "--crimes", **crimes)
    assert (replayed.stdout, replayed.stderr) == ("2 crimes replayed, 1 wait\n", "")
    assert value(db, known) == 4
    assert value(db, "select count(*) from core.crime_changes") == 0, "the risk is refreshed"
    categories = "select array_agg(published_category order by occurred_at) from core.crime_data"
    assert value(db, categories) == ["theft", "robbery", "theft", "theft"]

    import_file(tmp_path, CRIMES, crimes)
    assert value(db, known) == 4
    discarded = saferoute("quarantine", "discard", nowhere, "--yes", **crimes)
    assert discarded.stdout == "1 crime discarded\n"
    longer = CRIMES + "6,2016-03-26,-77.05,38.85,theft\n"
    import_file(tmp_path, longer, crimes)
    assert value(db, known) == 5
    assert saferoute("quarantine", "list", **crimes).stdout == "There are none.\n"
    # The publisher has noticed.
    corrected = longer.replace("-77.06\n", "-77.06,38.87,robbery\n").replace(
        "38.86,-77.06", "-77.06,38.86"
    )
    import_file(tmp_path, corrected, crimes)
    assert value(db, known) == 5
    assert value(db, "select count(*) from core.crime_data where source_id like '%%fixed%%'") == 0


MISTAKES = {
    ("explain", "12"): "12 is no id: write point:12 or crime:7, as they are listed",
    ("explain",): "which? saferoute quarantine list names the ids",
    ("explain", "crime:999"): "crime:999 is not in the quarantine; nothing was changed",
    ("fix", "crime:1"): "fix either IDs with --set KEY=VALUE, or --reason with --swap",
    ("fix", "crime:1", "--set", "lat"): "--set lat: write KEY=VALUE",
    ("fix", "crime:1", "crime:2", "--set", "latitude=1"): (
        "crime:1 has no latitude; its columns are: id, time, lon, lat, category;"
    ),
    ("replay", "point:1"): "point:1 is not in the quarantine; nothing was changed",
    ("replay", "crime:1", "--reason", "far"): "replay either IDs or --reason",
    ("replay", "--reason", "late"): "late is no reason; there are unreadable, time, ended, ",
    ("fix", "--reason", "far", "--swap", "--crimes"): "far is no reason; there are fields, ",
    ("discard", "--yes"): "discard either IDs or --reason",
    ("discard", "crime:1", "crime:999", "--yes"): "crime:999 is not in the quarantine",
}


def test_a_mistake_is_one_line_and_changes_nothing(
    db: psycopg.Connection, crimes: dict[str, str]
) -> None:
    rows = "select xmin, * from core.crime_rejects order by 2"
    before = db.execute(rows).fetchall()
    db.rollback()
    with ThreadPoolExecutor(4) as pool:
        tries = pool.map(lambda words: saferoute("quarantine", *words, **crimes), MISTAKES)
    for refused, message in zip(tries, MISTAKES.values(), strict=True):
        assert (refused.returncode, refused.stdout) == (2, "")
        assert refused.stderr.startswith(f"saferoute: {message}")
        assert refused.stderr.count("\n") == 1
    assert db.execute(rows).fetchall() == before


def test_a_point_is_not_fixed_by_half(db: psycopg.Connection) -> None:
    journey_id = start(db)
    record(db, journey_id, [7, 8])
    environment = owners_environment(db)
    ids = [
        row["id"]
        for row in json.loads(saferoute("quarantine", "list", "--json", **environment).stdout)
    ]
    for change, message in (
        ("lon=west", f"{ids[0]} cannot be read with these values; nothing was changed"),
        ("longitude=1", "a point has no longitude; it has recorded_at, lon, lat"),
    ):
        refused = saferoute("quarantine", "fix", *ids, "--set", change, **environment)
        assert refused.returncode == 2
        assert refused.stderr.startswith(f"saferoute: {message}")
        assert value(db, "select count(fixed) from core.point_quarantine") == 0
