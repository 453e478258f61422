"""Geohash and encoded-polyline helpers against published vectors."""

import csv
import json
from typing import Any

import psycopg

from tests.shared import shared


def _rows(name: str) -> list[dict[str, str]]:
    with shared(f"data/vectors/{name}.csv").open() as stream:
        return list(csv.DictReader(stream))


def test_geohash_encode(db: psycopg.Connection) -> None:
    for row in _rows("geohash_encode"):
        query = "select core.geohash(%s, %s, 12), core.geohash(%s, %s)"
        lon, lat = float(row["lng"]), float(row["lat"])
        found = db.execute(query, [lon, lat, lon, lat]).fetchone()
        assert found == (row["geohash12"], row["geohash12"][:5]), row


def test_geohash_decode_bbox(db: psycopg.Connection) -> None:
    query = """select st_xmin(b), st_ymin(b), st_xmax(b), st_ymax(b), st_srid(b)
        from core.geohash_box(%s) as b"""
    for row in _rows("geohash_decode_bbox"):
        *found, srid = db.execute(query, [row["geohash"]]).fetchone()
        box = [float(row[key]) for key in ("min_lng", "min_lat", "max_lng", "max_lat")]
        assert srid == 4326
        # The vectors are rounded to ten decimals.
        assert all(abs(a - b) < 1e-9 for a, b in zip(found, box, strict=True)), row


def test_geohash_neighbours(db: psycopg.Connection) -> None:
    for row in _rows("geohash_neighbors"):
        expected = [row[side] for side in ("n", "ne", "e", "se", "s", "sw", "w", "nw")]
        found = db.execute("select core.geohash_neighbours(%s)", [row["geohash"]]).fetchone()
        assert found == (expected,), row


def test_polyline(db: psycopg.Connection) -> None:
    vectors: list[dict[str, Any]] = json.loads(
        shared("data/vectors/polyline_vectors.json").read_text()
    )
    ours = [vector for vector in vectors if vector["precision"] in (5, 6)]
    assert len(ours) >= 5
    for vector in ours:
        arguments = [vector["encoded"], vector["precision"]]
        geometry = db.execute(
            "select st_asgeojson(core.decode_polyline(%s, %s), 9)::json", arguments
        ).fetchone()[0]
        expected = [[lon, lat] for lat, lon in vector["points_latlng"]]
        assert geometry["coordinates"] == expected
        if len(expected) > 1:
            again = db.execute(
                "select core.encode_polyline(core.decode_polyline(%s, %s), %s)",
                [*arguments, vector["precision"]],
            ).fetchone()
            assert again == (vector["encoded"],)
