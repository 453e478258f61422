"""Wexbourne, a city that does not exist: streets drawn by rule and a seed, written as OSM.

It stands on Salisbury Plain, about 4.5 km x 4 km. Only the seed decides: no sines or logarithms,
which differ from machine to machine, no clock, no order of a set.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from random import Random

import osmium
from osmium.osm.mutable import Node, Way

NAME = "Wexbourne"
LON, LAT = -1.98, 51.22
DEGREES_EAST, DEGREES_NORTH = 1 / 69_880, 1 / 111_260  # per metre, at LAT

COLUMNS, ROWS, SPACING = 58, 52, 80.0
# Arterials have no gaps; those that run north cross the river, and one footbridge does.
ARTERIAL_COLUMNS = {5: "secondary", 19: "primary", 33: "secondary", 48: "tertiary"}
ARTERIAL_ROWS = {7: "secondary", 22: "tertiary", 36: "primary", 47: "secondary"}
FOOTBRIDGE_COLUMN = 26
BANK = 45.0  # metres from the middle of the river to the nearest junction
PARKS = ((8, 38, 14, 44), (24, 37, 31, 43), (38, 8, 45, 14), (11, 4, 16, 8))
HILL = (44, 38)  # columns and rows beyond: the quarter of steps
FIRST_NAMES = (
    *("Abbey", "Alder", "Anvil", "Ash", "Barley", "Beacon", "Bell", "Birch", "Bishop", "Bridge"),
    *("Candle", "Castle", "Chalk", "Chapel", "Cooper", "Copper", "Corn", "Crane", "Dove", "Elder"),
    *("Falcon", "Fern", "Flint", "Forge", "Fuller", "Garden", "Glover", "Hazel", "Heron", "Holly"),
    *("Ivy", "Juniper", "Kiln", "Lark", "Linden", "Maltings", "Maple", "Market", "Meadow", "Mill"),
    *("Nettle", "Orchard", "Osier", "Paddock", "Priory", "Quarry", "Rook", "Rowan", "Saddler"),
    *("Spring", "Station", "Swan", "Tanner", "Thatch", "Thorn", "Union", "Walnut", "Weaver"),
)
KINDS = ("Street", "Road", "Lane", "Avenue", "Terrace", "Close", "Row", "Walk", "Hill", "Drive")
# What a stretch of side street is, in a hundred.
SIDE_STREETS: tuple[tuple[int, Mapping[str, str]], ...] = (
    (64, {"highway": "residential"}),
    (14, {"highway": "residential", "oneway": "yes"}),
    (8, {"highway": "footway"}),
    (5, {"highway": "living_street"}),
    (5, {"highway": "pedestrian"}),
    (4, {"highway": "path"}),
)
LIGHTING: tuple[tuple[int, Mapping[str, str]], ...] = (
    (75, {"lit": "yes"}),
    (10, {"lit": "no"}),
    (15, {}),
)


@dataclass(frozen=True)
class Block:
    """A straight piece of a named street: its ends in metres east and north of the centre."""

    start: tuple[float, float]
    end: tuple[float, float]
    street: str


@dataclass
class Map:
    """Nodes (metres east and north of the centre) and ways over them, as they were drawn."""

    places: list[tuple[float, float]] = field(default_factory=list)
    node_tags: dict[int, Mapping[str, str]] = field(default_factory=dict)
    ways: list[tuple[list[int], Mapping[str, str]]] = field(default_factory=list)

    def node(self, east: float, north: float, **tags: str) -> int:
        """Add a node; its index."""
        self.places.append((east, north))
        if tags:
            self.node_tags[len(self.places) - 1] = tags
        return len(self.places) - 1

    def way(self, nodes: Sequence[int], tags: Mapping[str, str]) -> None:
        """Add a way over nodes."""
        self.ways.append((list(nodes), tags))

    def line(self, places: Sequence[tuple[float, float]], tags: Mapping[str, str]) -> list[int]:
        """Add a way over new nodes; the nodes."""
        nodes = [self.node(east, north) for east, north in places]
        self.way(nodes, tags)
        return nodes

    def blocks(self) -> Iterator[Block]:
        """The pieces of the named streets."""
        for nodes, tags in self.ways:
            if "highway" in tags and "name" in tags and tags["highway"] != "motorway":
                for one, other in pairwise(nodes):
                    yield Block(self.places[one], self.places[other], tags["name"])


def position(east: float, north: float) -> tuple[float, float]:
    """Longitude and latitude of a place in metres from the centre, to 7 decimals as OSM has."""
    return round(LON + east * DEGREES_EAST, 7), round(LAT + north * DEGREES_NORTH, 7)


def pick(rng: Random, choices: Sequence[tuple[int, Mapping[str, str]]]) -> Mapping[str, str]:
    """One of the tags, as often as its weight says."""
    left = rng.random() * sum(weight for weight, _ in choices)
    for weight, tags in choices:
        left -= weight
        if left < 0:
            return tags
    return choices[-1][1]


def draw(seed: int) -> Map:
    """Draw the city."""
    return _City(seed).draw()


class _Noise:
    """Random heights on a square lattice with straight lines between them."""

    def __init__(self, rng: Random, step: float, amplitude: float) -> None:
        self.step = step
        self.heights = [[(rng.random() * 2 - 1) * amplitude for _ in range(16)] for _ in range(16)]

    def at(self, east: float, north: float) -> float:
        x, y = east / self.step + 7.5, north / self.step + 7.5
        column, row = int(x), int(y)
        u, v = x - column, y - row
        (a, b), (c, d) = (self.heights[row + k][column : column + 2] for k in (0, 1))
        return (a * (1 - u) + b * u) * (1 - v) + (c * (1 - u) + d * u) * v


class _City:
    def __init__(self, seed: int) -> None:
        self.map = Map()
        self.rng = Random(f"streets {seed}")  # noqa: S311
        self.bend_east = _Noise(self.rng, 640, 110)
        self.bend_north = _Noise(self.rng, 640, 110)
        self.bend_river = _Noise(self.rng, 900, 420)
        self.names = 0
        self.junctions = {
            (column, row): self.map.node(*self._junction(column, row))
            for column in range(COLUMNS)
            for row in range(ROWS)
        }

    def draw(self) -> Map:
        for column in range(COLUMNS):
            line = [(column, row) for row in range(ROWS)]
            self._street(line, ARTERIAL_COLUMNS.get(column))
        for row in range(ROWS):
            line = [(column, row) for column in range(COLUMNS)]
            self._street(line, ARTERIAL_ROWS.get(row))
        for number, park in enumerate(PARKS):
            self._park(*park, number)
        self._banks()
        self._yards()
        self._station()
        self._motorway()
        self._island()
        return self.map

    def river(self, east: float) -> float:
        """Metres north of the centre at which the river flows."""
        return -250 + self.bend_river.at(east, 0)

    def _junction(self, column: int, row: int) -> tuple[float, float]:
        east, north = (column - COLUMNS / 2) * SPACING, (row - ROWS / 2) * SPACING
        jitter_east, jitter_north = (self.rng.random() * 24 - 12 for _ in range(2))
        moved_east = east + self.bend_east.at(east, north) + jitter_east
        moved_north = north + self.bend_north.at(east, north) + jitter_north
        river = self.river(moved_east)
        if moved_north > river:
            return moved_east, max(moved_north, river + BANK)
        return moved_east, min(moved_north, river - BANK)

    def _is_north(self, node: int) -> bool:
        east, north = self.map.places[node]
        return north > self.river(east)

    def _name(self) -> str:
        kind, first = divmod(self.names, len(FIRST_NAMES))
        self.names += 1
        return f"{FIRST_NAMES[first]} {KINDS[(kind + first) % len(KINDS)]}"

    def _street(self, line: Sequence[tuple[int, int]], arterial: str | None) -> None:
        """Draw one line of the grid as ways of a few blocks: side streets with gaps."""
        name = self._name()
        run: list[int] = []
        for number, (one, other) in enumerate(pairwise(line)):
            if number % 14 == 13 and arterial is None:
                name = self._name()
            ends = self.junctions[one], self.junctions[other]
            is_bridge = self._is_north(ends[0]) != self._is_north(ends[1])
            is_built = self._is_built(one, other, arterial, is_bridge)
            if is_bridge or not is_built or len(run) > 8 or self.rng.random() < 0.2:
                self._stretch(run, name, one, arterial)
                run = []
            if is_built and is_bridge:
                tags = {"highway": arterial or "footway", "bridge": "yes", "layer": "1"}
                self.map.way(ends, {**tags, "lit": "yes", "name": name})
            elif is_built:
                run = run or [ends[0]]
                run += [*self._bend(*ends), ends[1]]
        self._stretch(run, name, line[-1], arterial)

    def _is_built(
        self, one: tuple[int, int], other: tuple[int, int], arterial: str | None, is_bridge: bool
    ) -> bool:
        if _in_park(one) or _in_park(other):
            return False
        if is_bridge:
            return one[0] == other[0] and (arterial is not None or one[0] == FOOTBRIDGE_COLUMN)
        return arterial is not None or self.rng.random() < 0.84

    def _bend(self, one: int, other: int) -> list[int]:
        """Sometimes a node between two junctions, a little off the straight line."""
        if self.rng.random() > 0.35:
            return []
        (x1, y1), (x2, y2) = (self.map.places[end] for end in (one, other))
        off = self.rng.random() * 0.12 - 0.06
        return [self.map.node((x1 + x2) / 2 - (y2 - y1) * off, (y1 + y2) / 2 + (x2 - x1) * off)]

    def _stretch(
        self, run: list[int], name: str, place: tuple[int, int], arterial: str | None
    ) -> None:
        """Add a way, if the run is one: of the arterial's kind or of some kind of side street."""
        tags: Mapping[str, str]
        if len(run) < 2:
            return
        if arterial is not None:
            tags = {"highway": arterial, "lit": "yes"}
        elif place[0] > HILL[0] and place[1] > HILL[1] and self.rng.random() < 0.3:
            tags = {"highway": "steps"}
        else:
            tags = {**pick(self.rng, SIDE_STREETS), **pick(self.rng, LIGHTING)}
        self.map.way(run, {**tags, "name": name})

    def _park(self, west: int, south: int, east: int, north: int, number: int) -> None:
        """Paths from eight gates to the middle; grass around them."""
        middle_column, middle_row = (west + east) // 2, (south + north) // 2
        gates = [
            *((west, south), (west, middle_row), (west, north), (middle_column, north)),
            *((east, north), (east, middle_row), (east, south), (middle_column, south)),
        ]
        outline = [self.map.places[self.junctions[gate]] for gate in gates]
        self.map.line([*outline, outline[0]], {"leisure": "park", "name": f"Park {number + 1}"})
        centre = self.junctions[middle_column, middle_row]
        ring = []
        for gate in gates:
            x, y = self.map.places[self.junctions[gate]]
            cx, cy = self.map.places[centre]
            half = self.map.node((x + cx) / 2 + self.rng.random() * 20, (y + cy) / 2)
            ring.append(half)
            lit = pick(self.rng, ((30, {"lit": "yes"}), (70, {"lit": "no"})))
            self.map.way([self.junctions[gate], half, centre], {"highway": "footway", **lit})
        self.map.way([*ring, ring[0]], {"highway": "path", "lit": "no"})

    def _banks(self) -> None:
        """The river, a path along its north bank and a shared cycleway along its south bank."""
        stations = [-2_280 + 60.0 * step for step in range(77)]
        middle = [(east, self.river(east)) for east in stations]
        self.map.line(middle, {"waterway": "river", "name": "Wex"})
        for side, tags in (
            (1, {"highway": "path", "name": "Riverside Path", "lit": "no"}),
            (-1, {"highway": "cycleway", "foot": "designated", "name": "Towpath"}),
        ):
            path = self.map.line([(x, y + side * 25) for x, y in middle], tags)
            for node in path[4::7]:
                self.map.way([node, self._nearest(node, side)], {"highway": "footway"})
        self.map.line([(x, y - 32) for x, y in middle], {"highway": "cycleway", "name": "Cycle 4"})

    def _nearest(self, node: int, side: int) -> int:
        """The junction on that side of the river that is nearest to a node."""
        x, y = self.map.places[node]

        def distance(junction: int) -> float:
            east, north = self.map.places[junction]
            return (east - x) ** 2 + (north - y) ** 2

        used = {member for nodes, tags in self.map.ways if "name" in tags for member in nodes}
        banks = (j for j in self.junctions.values() if self._is_north(j) == (side > 0))
        return min((junction for junction in banks if junction in used), key=distance)

    def _yards(self) -> None:
        """Dead ends off side streets: private drives, open courts, one behind a locked gate."""
        streets = [
            n for nodes, t in self.map.ways if t.get("highway") == "residential" for n in nodes
        ]
        for number in range(130):
            start = streets[int(self.rng.random() * len(streets))]
            x, y = self.map.places[start]
            east, north = (self.rng.random() * 60 - 30 for _ in range(2))
            gate = {"barrier": "gate", "access": "private"} if number % 10 == 0 else {}
            middle = self.map.node(x + east / 2, y + north / 2, **gate)
            end = self.map.node(x + east, y + north)
            access = {"access": "private"} if number % 2 else {}
            self.map.way([start, middle, end], {"highway": "service", **access})

    def _station(self) -> None:
        """A platform with an escalator up, one down, and a stair between."""
        street = self.junctions[33, 30]
        x, y = self.map.places[street]
        platform = self.map.line(
            [(x + 20, y + 35), (x + 60, y + 40)], {"highway": "platform", "lit": "yes"}
        )
        flights: tuple[Mapping[str, str], ...] = (
            {"conveying": "forward"},
            {"conveying": "backward"},
            {},
        )
        for number, moving in enumerate(flights):
            landing = self.map.node(x + 10 + 5 * number, y + 20)
            self.map.way([street, landing, platform[0]], {"highway": "steps", **moving})

    def _motorway(self) -> None:
        """Two carriageways over the city from corner to corner, and a slip road."""
        for off in (0, 18):
            places = [(-2_600 + 650.0 * step, -2_300 + 560.0 * step + off) for step in range(9)]
            if off:
                places.reverse()
            tags = {"highway": "motorway", "oneway": "yes", "ref": "M99", "lit": "yes"}
            carriageway = self.map.line(places, tags)
            slip = {"highway": "motorway_link", "oneway": "yes"}
            self.map.way([carriageway[4], self.junctions[33, 36]], slip)

    def _island(self) -> None:
        """A few paths on an island in a lake: no way leads there but a ferry."""
        rows = [
            [self.map.node(2_750 + 60.0 * x, 500 + 60.0 * y) for x in range(4)] for y in range(3)
        ]
        for line in (*rows, *(list(column) for column in zip(*rows, strict=True))):
            self.map.way(line, {"highway": "path", "name": "Lake Island Path"})
        pier = self.junctions[COLUMNS - 1, 32]
        self.map.way([pier, rows[0][0]], {"route": "ferry", "name": "Island Ferry"})


def _in_park(place: tuple[int, int]) -> bool:
    return any(
        west < place[0] < east and south < place[1] < north for west, south, east, north in PARKS
    )


def write(city: Map, path: Path) -> None:
    """Write the map as PBF: uncompressed and with a fixed writer, so that its bytes are fixed."""
    path.unlink(missing_ok=True)
    header = osmium.io.Header()
    header.set("generator", "saferoute demo")
    target = osmium.io.File(str(path), "pbf,pbf_compression=none,add_metadata=false")
    with osmium.SimpleWriter(target, header=header) as writer:
        for number, place in enumerate(city.places):
            tags = city.node_tags.get(number, {})
            writer.add_node(Node(id=number + 1, location=position(*place), tags=dict(tags)))
        for number, (nodes, tags) in enumerate(city.ways, start=1):
            members = [node + 1 for node in nodes]
            writer.add_way(Way(id=number, nodes=members, tags=dict(tags)))
