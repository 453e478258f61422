"""Hand-made OSM files of a few nodes."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import osmium
from osmium.osm.mutable import Node, Way

Tags = Mapping[str, str]
FOOTWAY = {"highway": "footway"}
STEP = 0.001  # degrees between neighbours on the grid


def write_map(
    path: Path,
    ways: Sequence[tuple[Sequence[int], Tags]],
    tagged: Mapping[int, Tags] | None = None,
    missing: Sequence[int] = (),
    at: Mapping[int, int] | None = None,
    east: float = 7.4,
    north: float = 43.7,
) -> Path:
    """Write a PBF of ways 1, 2, ...; node 10 * column + row stands on a grid east and north.

    `tagged` are the tags of nodes; nodes in `missing` are named by ways but not in the file; `at`
    puts a node where another stands.
    """
    nodes = sorted({node for members, _ in ways for node in members} - set(missing))
    path.unlink(missing_ok=True)
    with osmium.SimpleWriter(osmium.io.File(str(path), "pbf,pbf_compression=none")) as writer:
        for node in nodes:
            column, row = divmod((at or {}).get(node, node), 10)
            place = (east + STEP * column, north + STEP * row)
            writer.add_node(Node(id=node, location=place, tags=(tagged or {}).get(node, {})))
        for number, (members, tags) in enumerate(ways, start=1):
            writer.add_way(Way(id=number, nodes=list(members), tags=dict(tags)))
    return path
