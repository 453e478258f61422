"""The demo city: the same bytes everywhere, and all that makes real files hard."""

import csv
import hashlib
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from ops import demo
from ops.demo_city import draw
from ops.streets import Streets, Ways, cut, read
from ops.walkable import CLOSED, NOT_FOR_WALKERS
from tests.command import saferoute

# Of the files of seed 1. They change when the demo is drawn anew, and never from machine to
# machine, from one Python to the next, or with the hash seed.
DIGESTS = {
    "wexbourne.osm.pbf": "b1998f0190a1ad0784b4f5ce1cfaa64443b333fb01aab155e54481b3bf7a8393",
    "wexshire-street.csv": "ae1c3c53a1724d58f70f993352cd6f5a3bbf7f9770f160c82e590506c98cfb60",
    "incidents.csv": "41b5890656051556e6fc1dafa8d7b798320dce4dbc22f5af30f535100ff8b790",
}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo")
    demo.write(path, 1)
    return path


@pytest.fixture(scope="module")
def ways(directory: Path) -> Ways:
    return read(directory / demo.STREETS)


@pytest.fixture(scope="module")
def streets(ways: Ways) -> Streets:
    return cut(ways)


def digests(directory: Path) -> dict[str, str]:
    paths = directory.iterdir()
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_the_command_writes_the_same_bytes_every_time(tmp_path: Path, hash_seed: str) -> None:
    zone = f"Etc/GMT-{len(hash_seed)}"
    arguments = ("demo", "--write-only", "--directory", tmp_path)
    assert saferoute(*arguments, PYTHONHASHSEED=hash_seed, TZ=zone).returncode == 0
    assert digests(tmp_path) == DIGESTS


def test_another_seed_draws_another_city(tmp_path: Path, directory: Path) -> None:
    demo.write(tmp_path, 2)
    other, one = digests(tmp_path), digests(directory)
    assert other.keys() == one.keys()
    assert all(other[name] != one[name] for name in one)


def test_the_city_has_what_cities_have(streets: Streets) -> None:
    kinds = Counter(streets.ways[way].highway for way in streets.way)
    assert 4_000 < len(streets.first) < 8_000
    assert {"primary", "residential", "footway", "path", "steps", "cycleway", "service"} <= set(
        kinds
    )
    assert {way.is_lit for way in streets.ways} == {True, False, None}
    assert {way.direction for way in streets.ways} == {0, 1, -1}
    assert len({way.name for way in streets.ways}) > 100
    width, height = streets.vertices.max(axis=0) - streets.vertices.min(axis=0)
    assert 4_000 < width * 69_880 < 6_500
    assert 3_500 < height * 111_260 < 5_000


def test_its_motorway_and_private_ways_are_not_walked(streets: Streets) -> None:
    assert streets.rejected[NOT_FOR_WALKERS] >= 3
    assert streets.rejected[CLOSED] >= 50


def test_its_island_is_not_connected(streets: Streets) -> None:
    island = {streets.ways[way].name for way in streets.way[~streets.is_connected]}
    assert "Lake Island Path" in island
    assert 0.97 < streets.is_connected.mean() < 1


def test_few_bridges_lead_over_its_river(streets: Streets) -> None:
    bridges = [tags for _, tags in draw(1).ways if "bridge" in tags]
    assert 3 <= len(bridges) <= 6


def test_the_street_crimes_are_as_hard_as_real_ones(directory: Path) -> None:
    with (directory / demo.STREET_CRIMES).open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    repeats = Counter(tuple(row.values()) for row in rows)
    places = Counter((row["Longitude"], row["Latitude"]) for row in rows)
    assert 0.34 < sum(not row["Crime ID"] for row in rows) / len(rows) < 0.42
    assert 0.07 < 1 - len(repeats) / len(rows) < 0.13
    assert 0.01 < places["", ""] / len(rows) < 0.04
    assert len(places) < len(rows) / 3
    assert sum(row["LSOA name"].startswith("Farbury") for row in rows) > 3
    assert len({row["Month"] for row in rows}) == 36


def test_the_incidents_follow_the_hours_of_the_week(directory: Path) -> None:
    with (directory / demo.INCIDENTS).open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    times = {row["id"]: datetime.fromisoformat(row["time"]) for row in rows}
    assert len(times) == len(rows) == 7_000
    violence = [times[row["id"]] for row in rows if row["category"].startswith("Violence")]
    saturday_night = [time for time in violence if time.weekday() == 5 and time.hour >= 20]
    tuesday_morning = [time for time in violence if time.weekday() == 1 and 5 <= time.hour < 9]
    assert len(saturday_night) > 10 * len(tuesday_morning)
    assert (min(times.values()).year, max(times.values()).year) == (2023, 2025)
