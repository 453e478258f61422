"""Three years of crimes in Wexbourne, in two files as two publishers would make them.

Crimes gather at hot spots and at hours of the week, each kind in its own way. As in demo_city only
the seed decides, and only sums, products and quotients are computed.
"""

import csv
import hashlib
from bisect import bisect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from pathlib import Path
from random import Random

from ops.demo_city import Block, Map, position

START, WEEKS = datetime(2023, 1, 2), 156  # a Monday; city time
INCIDENTS, STREET_CRIMES = 7_000, 4_000
POLICE_COLUMNS = (
    *("Crime ID", "Month", "Reported by", "Falls within", "Longitude", "Latitude", "Location"),
    *("LSOA code", "LSOA name", "Crime type", "Last outcome category", "Context"),
)
INCIDENT_COLUMNS = ("id", "time", "lon", "lat", "category")
FORCE = "Wexshire Constabulary"
# Metres east and north of the centre, and the distance at which a quarter of the heat is left.
HOT_SPOTS: Mapping[str, tuple[float, float, float]] = {
    "pubs": (-720, -60, 170),
    "station": (380, 380, 150),
    "shops": (-780, 700, 240),
    "estate": (1_400, -1_150, 300),
}
# Crimes by hour of the day, 0 to 23, on a day like all others.
CLOCKS: Mapping[str, Sequence[int]] = {
    "night": (14, 12, 10, 6, 2, 1, 1, 1, 2, 2, 2, 3, 4, 4, 4, 5, 6, 7, 8, 10, 12, 14, 16, 16),
    "evening": (5, 3, 2, 1, 1, 1, 1, 2, 3, 3, 3, 4, 5, 5, 6, 8, 10, 12, 14, 15, 14, 13, 10, 8),
    "day": (0, 0, 0, 0, 0, 0, 1, 2, 5, 9, 12, 14, 15, 14, 14, 14, 13, 10, 6, 3, 1, 1, 0, 0),
    "asleep": (10, 12, 13, 13, 10, 7, 4, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 4, 4, 5, 6, 7, 8, 9),
}
NIGHT_OUT = 3.0  # how much more happens by the clock `night` from Friday 20 h to Sunday 5 h


@dataclass(frozen=True)
class Kind:
    """A category of crime: its share, in hundredths, of the incidents and of the street crimes,
    its clock, and its share in hundredths at each hot spot; the rest is anywhere."""

    category: str
    of_incidents: int
    of_street_crimes: int
    clock: str
    hot_spots: Mapping[str, int]


KINDS = (
    Kind(
        "Violence and sexual offences", 26, 24, "night", {"pubs": 45, "station": 12, "estate": 18}
    ),
    Kind("Robbery", 11, 3, "evening", {"station": 40, "pubs": 20, "estate": 20}),
    Kind("Theft from the person", 8, 4, "evening", {"shops": 30, "station": 30, "pubs": 25}),
    Kind("Public order", 9, 6, "night", {"pubs": 50, "station": 15}),
    Kind("Possession of weapons", 2, 1, "evening", {"estate": 50, "station": 20}),
    Kind("Drugs", 5, 4, "evening", {"estate": 40, "pubs": 20, "station": 20}),
    Kind("Vehicle crime", 14, 8, "asleep", {"estate": 15}),
    Kind("Burglary", 9, 6, "asleep", {"estate": 10}),
    Kind("Shoplifting", 7, 8, "day", {"shops": 85}),
    Kind("Bicycle theft", 5, 3, "day", {"station": 45, "shops": 20}),
    Kind("Criminal damage and arson", 4, 7, "asleep", {"estate": 30, "pubs": 10}),
    Kind("Anti-social behaviour", 0, 26, "evening", {"estate": 30, "pubs": 25, "shops": 10}),
)
NEVER_HAS_ID = "Anti-social behaviour"


class _Wheel:
    """Draws indexes as often as their weights say."""

    def __init__(self, weights: Iterator[float] | Sequence[float]) -> None:
        self.sums = list(accumulate(weights))

    def spin(self, rng: Random) -> int:
        return min(bisect(self.sums, rng.random() * self.sums[-1]), len(self.sums) - 1)


class _Crimes:
    """Draws kinds, hours and streets of crimes."""

    def __init__(self, city: Map, rng: Random) -> None:
        self.rng = rng
        self.blocks = list(city.blocks())
        self.places = {
            name: _Wheel([_heat(block, *spot) for block in self.blocks])
            for name, spot in HOT_SPOTS.items()
        }
        self.anywhere = _Wheel([_metres_squared(block) for block in self.blocks])
        self.hours = {clock: _Wheel(_week(clock)) for clock in CLOCKS}

    def when(self, kind: Kind) -> datetime:
        """A time to five minutes."""
        week = int(self.rng.random() * WEEKS)
        hour = self.hours[kind.clock].spin(self.rng)
        return START + timedelta(weeks=week, hours=hour, minutes=5 * int(self.rng.random() * 12))

    def where(self, kind: Kind) -> int:
        """The index of a block."""
        left = self.rng.random() * 100
        for name, share in kind.hot_spots.items():
            left -= share
            if left < 0:
                return self.places[name].spin(self.rng)
        return self.anywhere.spin(self.rng)


def _heat(block: Block, east: float, north: float, radius: float) -> float:
    x, y = _along(block, 0.5)
    distance = (x - east) ** 2 + (y - north) ** 2
    return 1 / (1 + distance / radius**2) ** 2


def _metres_squared(block: Block) -> float:
    (x1, y1), (x2, y2) = block.start, block.end
    return (x2 - x1) ** 2 + (y2 - y1) ** 2


def _along(block: Block, share: float) -> tuple[float, float]:
    (x1, y1), (x2, y2) = block.start, block.end
    return x1 + (x2 - x1) * share, y1 + (y2 - y1) * share


def _week(clock: str) -> Iterator[float]:
    """Weights of the 168 hours from Monday 0 h."""
    for hour in range(168):
        is_night_out = clock == "night" and 4 * 24 + 20 <= hour < 6 * 24 + 5
        yield CLOCKS[clock][hour % 24] * (NIGHT_OUT if is_night_out else 1.0)


def write_incidents(city: Map, path: Path, seed: int) -> None:
    """Write the incident log of the city: exact local times, a place on the street, an id."""
    crimes = _Crimes(city, Random(f"incidents {seed}"))  # noqa: S311
    kinds = _Wheel([kind.of_incidents for kind in KINDS])
    rows = []
    for _ in range(INCIDENTS):
        kind = KINDS[kinds.spin(crimes.rng)]
        block = crimes.blocks[crimes.where(kind)]
        east, north = _along(block, crimes.rng.random())
        off = (crimes.rng.random() * 12 - 6 for _ in range(2))
        lon, lat = position(east + next(off), north + next(off))
        rows.append((crimes.when(kind), f"{lon:.6f}", f"{lat:.6f}", kind.category))
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(INCIDENT_COLUMNS)
        for number, (when, *rest) in enumerate(sorted(rows), start=1):
            writer.writerow((f"WX-{number:06}", when.isoformat(sep=" "), *rest))


def write_street_crimes(city: Map, path: Path, seed: int) -> None:
    """Write a street-level file as data.police.uk does, with all that makes such files hard.

    Only months; points on which several streets' crimes are put together; no id on 38 % of the
    rows; 10 % of the rows exactly as another; rows without a place, and some from far away.
    """
    rng = Random(f"street crimes {seed}")  # noqa: S311
    crimes = _Crimes(city, rng)
    kinds = _Wheel([kind.of_street_crimes for kind in KINDS])
    rows: list[tuple[str, ...]] = []
    while len(rows) < STREET_CRIMES:
        kind = KINDS[kinds.spin(rng)]
        has_id = kind.category != NEVER_HAS_ID and rng.random() > 0.07
        number = hashlib.sha256(f"{seed} {len(rows)}".encode()).hexdigest() if has_id else ""
        place = _place(crimes, kind)
        month = f"{crimes.when(kind):%Y-%m}"
        outcome = "Under investigation" if has_id else ""
        row = (number, month, FORCE, FORCE, *place, kind.category, outcome, "")
        rows += [row] * (2 if not has_id and rng.random() < 0.36 else 1)
    rows.sort(key=lambda row: row[1])
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(POLICE_COLUMNS)
        writer.writerows(rows)


def _place(crimes: _Crimes, kind: Kind) -> tuple[str, str, str, str, str]:
    """Longitude, latitude, location, LSOA code and name."""
    chance = crimes.rng.random()
    if chance < 0.02:
        return "", "", "No Location", "", ""
    if chance < 0.023:
        return "-1.323100", "51.401200", "On or near Station Road", "E01099999", "Farbury 001A"
    snap = crimes.blocks[crimes.where(kind) // 5 * 5]
    east, north = _along(snap, 0.5)
    lon, lat = position(east, north)
    column, row = int((east + 4_000) / 900), int((north + 4_000) / 900)
    return (
        *(f"{lon:.6f}", f"{lat:.6f}", f"On or near {snap.street}"),
        *(f"E0109{column:02}{row:02}", f"Wexbourne {column:03}{'ABCDEFGHIJ'[row]}"),
    )
