"""How ways become a network: hand-made maps, where every edge can be told by its two nodes."""

from pathlib import Path

import numpy as np
import pytest

from ops.errors import OperatorError
from ops.streets import TOO_SHORT, Streets, cut, read
from tests.small_map import FOOTWAY, STEP, write_map


def network(path: Path, *ways, **options) -> Streets:
    return cut(read(write_map(path, ways, **options)))


def grid_edges(streets: Streets) -> list[tuple[int, int]]:
    """The ends of every edge as grid numbers, sorted."""
    column, row = np.rint((streets.vertices - (7.4, 43.7)) / STEP).astype(int).T
    name = 10 * column + row
    edges = zip(name[streets.source].tolist(), name[streets.target].tolist(), strict=True)
    return sorted(edges)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "small.osm.pbf"


def test_ways_are_cut_where_they_meet(path: Path) -> None:
    streets = network(path, ([0, 10, 20], FOOTWAY), ([11, 10], FOOTWAY))
    assert grid_edges(streets) == [(0, 10), (10, 20), (11, 10)]
    assert len(streets.vertices) == 4


def test_a_bend_that_nothing_shares_is_no_vertex(path: Path) -> None:
    streets = network(path, ([0, 10, 11], FOOTWAY))
    assert grid_edges(streets) == [(0, 11)]
    # 0.001 degrees of longitude and of latitude at 43.7 N, by the ellipsoid's degree lengths
    assert streets.length_m == pytest.approx([80.61 + 111.11], abs=0.02)


def test_ways_that_cross_without_a_shared_node_do_not_meet(path: Path) -> None:
    streets = network(path, ([0, 20], FOOTWAY), ([10, 11], FOOTWAY))
    assert grid_edges(streets) == [(0, 20), (10, 11)]


def test_a_motorway_is_left_out_and_counted(path: Path) -> None:
    streets = network(path, ([0, 10], FOOTWAY), ([10, 20], {"highway": "motorway"}))
    assert grid_edges(streets) == [(0, 10)]
    assert (streets.ways_read, streets.rejected.total()) == (2, 1)


def test_a_closed_barrier_cuts_the_walk(path: Path) -> None:
    ways = ([0, 10, 20], FOOTWAY)
    assert grid_edges(network(path, ways)) == [(0, 20)]
    walled = network(path, ways, tagged={10: {"barrier": "wall"}})
    assert grid_edges(walled) == [(0, 10), (10, 20)]
    assert len(walled.vertices) == 4  # one on each side of the wall
    assert walled.is_connected.tolist().count(True) == 1


def test_a_closed_barrier_where_ways_meet_cuts_them_all(path: Path) -> None:
    ways = (([0, 10], FOOTWAY), ([10, 20], FOOTWAY), ([10, 11], FOOTWAY))
    streets = network(path, *ways, tagged={10: {"barrier": "gate", "access": "private"}})
    assert len(streets.vertices) == 6


def test_a_closed_loop_is_cut_in_two(path: Path) -> None:
    streets = network(path, ([0, 10, 11, 1, 0], FOOTWAY), ([0, 20], FOOTWAY))
    assert grid_edges(streets) == [(0, 11), (0, 20), (11, 0)]
    assert (streets.source != streets.target).all()


def test_a_way_that_touches_itself_is_cut_there(path: Path) -> None:
    streets = network(path, ([0, 10, 20, 21, 11, 10], FOOTWAY))
    assert grid_edges(streets) == [(0, 10), (10, 21), (21, 10)]


def test_a_way_there_and_back_has_no_loop(path: Path) -> None:
    assert grid_edges(network(path, ([0, 10, 0], FOOTWAY))) == [(0, 10), (10, 0)]


def test_a_hole_in_the_file_is_not_bridged(path: Path) -> None:
    streets = network(path, ([0, 10, 20, 30, 40], FOOTWAY), missing=[20])
    assert grid_edges(streets) == [(0, 10), (30, 40)]


def test_a_way_of_which_one_node_is_known_is_rejected(path: Path) -> None:
    streets = network(path, ([0, 10], FOOTWAY), ([20, 30], FOOTWAY), missing=[30])
    assert grid_edges(streets) == [(0, 10)]
    assert streets.rejected == {TOO_SHORT: 1}


def test_repeated_nodes_make_no_edge_without_length(path: Path) -> None:
    streets = network(path, ([0, 0, 10, 10, 20], FOOTWAY), ([10, 11], FOOTWAY))
    assert grid_edges(streets) == [(0, 10), (10, 11), (10, 20)]


def test_two_nodes_at_one_place_stay_connected(path: Path) -> None:
    ways = (([0, 10], FOOTWAY), ([10, 20], FOOTWAY), ([20, 30], FOOTWAY))
    streets = network(path, *ways, at={20: 10})
    assert grid_edges(streets) == [(0, 10), (10, 30)]
    assert streets.is_connected.all()


def test_an_island_is_kept_and_flagged(path: Path) -> None:
    streets = network(path, ([0, 10, 20], FOOTWAY), ([10, 11], FOOTWAY), ([40, 41], FOOTWAY))
    island = [
        edge for edge, kept in zip(streets.way, streets.is_connected, strict=True) if not kept
    ]
    assert island == [2]


def test_the_same_file_gives_the_same_numbers(path: Path) -> None:
    ways = (([0, 10, 20], FOOTWAY), ([10, 11], FOOTWAY), ([20, 21, 11], FOOTWAY))
    one, other = network(path, *ways), network(path, *ways)
    assert one.source.tolist() == other.source.tolist()
    assert one.target.tolist() == other.target.tolist()


def test_unreadable_files_are_one_line(tmp_path: Path) -> None:
    whole = write_map(tmp_path / "whole.pbf", [([0, 10], FOOTWAY)]).read_bytes()
    broken = {"empty": b"", "text": b"CCN,DATE\n1,2\n" * 50, "cut": whole[: len(whole) // 2]}
    for name, content in broken.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(OperatorError, match=name) as error:
            read(path)
        assert "\n" not in str(error.value)


def test_nodes_that_are_not_on_earth_are_holes(path: Path) -> None:
    with pytest.raises(OperatorError, match="walkable"):
        network(path, ([0, 10], FOOTWAY), north=95)


def test_text_that_is_not_utf_8_is_one_line(path: Path) -> None:
    write_map(path, [([0, 10], FOOTWAY | {"name": "XYZZY"})])
    path.write_bytes(path.read_bytes().replace(b"XYZZY", b"\xff\xfe\xfd\xff\xff"))
    with pytest.raises(OperatorError, match="not a whole OSM PBF"):
        read(path)


@pytest.mark.parametrize(
    ("ways", "missing"),
    [([([0, 10], {"highway": "motorway"})], []), ([([0, 10], FOOTWAY)], [0, 10])],
    ids=["only a motorway", "no node in the file"],
)
def test_a_file_without_a_walkable_way_is_refused(path: Path, ways, missing) -> None:
    with pytest.raises(OperatorError, match="walkable"):
        cut(read(write_map(path, ways, missing=missing)))
