"""A person gets everything that an erasure would remove, in a form that others read."""

import json
import os
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pytest_postgresql import factories

from ops import archive_files, export
from tests.people import (
    ANNA,
    ARCHIVED,
    BERT,
    EVERYWHERE,
    POINTS_A_DAY,
    SECRET,
    Town,
    assert_refused,
    town_of,
)
from tests.redis_cluster import TestCluster
from tests.upkeep import day

people_db = factories.postgresql("people")
OWNER_ONLY = 0o600


@pytest.fixture
def town(
    people_db: psycopg.Connection, tmp_path: Path, redis_cluster: TestCluster
) -> Iterator[Town]:
    with town_of(people_db, tmp_path / "archive", redis_cluster) as town:
        yield town


def read(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as bundle:
        assert bundle.testzip() is None
        return {name: json.loads(bundle.read(name)) for name in bundle.namelist()}


def test_everything_that_would_be_erased_is_in_the_export(town: Town, tmp_path: Path) -> None:
    path = tmp_path / "anna.zip"
    done = town.run("export", ANNA, path)
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE(path.stat().st_mode) == OWNER_ONLY
    content = read(path)
    manifest = content.pop("manifest.json")
    rows = {Path(name).stem: rows_of(name, part) for name, part in content.items()}
    assert [entry["name"] for entry in manifest["files"]] == list(content)
    assert {Path(e["name"]).stem: e["rows"] for e in manifest["files"]} == {
        name: len(part) for name, part in rows.items()
    }

    receipt = town.erase()
    archived = sum(entry.get("removed", 0) for entry in receipt["archives"].values())
    in_database = {
        name: sum(properties(row)["archive"] is None for row in part) for name, part in rows.items()
    }
    assert in_database == receipt["removed"] == EVERYWHERE
    assert sum(map(len, rows.values())) - sum(in_database.values()) == archived
    assert archived == POINTS_A_DAY * len(ARCHIVED)
    of = {"idempotency_keys": "caller_id"}
    ids = {properties(row)[of.get(name, "user_id")] for name, part in rows.items() for row in part}
    assert ids == {str(ANNA)}
    assert SECRET not in json.dumps(content)


def rows_of(name: str, part: Any) -> list[dict[str, Any]]:
    return part["features"] if name.endswith(".geojson") else part


def properties(row: dict[str, Any]) -> dict[str, Any]:
    return row.get("properties", row)


def test_it_is_geojson_and_says_what_it_means(town: Town, tmp_path: Path) -> None:
    path = tmp_path / "anna.zip"
    town.run("export", ANNA, path)
    content = read(path)
    points = content["journey_points.geojson"]
    assert set(points) == {"type", "features"}
    assert points["type"] == "FeatureCollection"
    for feature in points["features"]:
        assert set(feature) == {"type", "geometry", "properties"}
        assert feature["type"] == "Feature"
        assert feature["geometry"]["type"] == "Point"
    # Longitude first: Washington lies west, and north of the equator.
    where = {tuple(feature["geometry"]["coordinates"]) for feature in points["features"]}
    assert where == {(-77.03, 38.91), (-8.62, 41.16)}
    for entry in content["manifest.json"]["files"]:
        first = properties(rows_of(entry["name"], content[entry["name"]])[0])
        geometries = set(entry["fields"]) - set(first)
        assert geometries <= {"geom", "origin", "route", "area"}
        assert set(first) <= set(entry["fields"])
        assert all(entry["fields"].values())


def test_no_file_is_overwritten_and_none_stays_after_a_failure(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "exports"
    assert_refused(town.run("export", ANNA, folder / "anna.zip"), "there is no folder")
    folder.mkdir()
    (folder / "taken.zip").write_text("mine")
    assert_refused(town.run("export", ANNA, folder / "taken.zip"), "exists")
    assert_refused(town.run("export", "anna", folder / "anna.zip"), "UUID")
    nobody = "00000000-0000-4000-8000-00000000dead"
    assert_refused(town.run("export", nobody, folder / "nobody.zip"), "nothing is kept")

    def fail(*_):
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr(export, "_rows", fail)
        assert_refused(town.run("export", ANNA, folder / "anna.zip"), "No space left on device")

    def take(*_):
        (folder / "late.zip").write_text("mine")
        return []

    with monkeypatch.context() as patch:
        patch.setattr(export, "_unreadable", take)
        done = town.run("export", ANNA, folder / "late.zip", "--incomplete")
        assert_refused(done, "exists")
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "taken.zip": "mine",
        "late.zip": "mine",
    }


def test_an_archive_that_cannot_be_read_is_said(town: Town, tmp_path: Path) -> None:
    (file,) = archive_files.folder().glob(f"*{day(ARCHIVED[0]):%Y-%m-%d}*")
    file.unlink()
    path = tmp_path / "bert.zip"
    assert_refused(town.run("export", BERT, path), file.name)
    assert not path.exists()
    assert town.run("export", BERT, path, "--incomplete").returncode == 0
    assert read(path)["manifest.json"]["archives_that_could_not_be_read"] == [file.name]
