"""Crime file formats: which column of a header says what. What it means is decided in SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from ops.errors import OperatorError

LON_LAT = 4326
_ROLES = ("id", "time", "lon", "lat", "category")
_NEEDED = ("time", "lon", "lat", "category")


class FormatName(StrEnum):
    """What `--format` takes."""

    AUTO = "auto"
    POLICE_UK = "police-uk"
    DC_MPD = "dc-mpd"
    MAPPED = "mapped"


@dataclass(frozen=True)
class Format:
    """A kind of crime file: its publisher, the name of the column for each role, and the EPSG
    code of its coordinates."""

    name: FormatName
    publisher: str
    columns: Mapping[str, str]
    srid: int = LON_LAT

    def positions(self, header: Sequence[str]) -> dict[str, int]:
        """Where each role stands in the header, counted from 1; roles it does not have are left
        out. `id`, `reported`, `area` and `force` may be absent, the others may not."""
        places = {name.strip().lower(): place for place, name in reversed([*enumerate(header, 1)])}
        found = {
            role: places[column.strip().lower()]
            for role, column in self.columns.items()
            if column.strip().lower() in places
        }
        missing = [self.columns[role] for role in _NEEDED if role not in found]
        if missing:
            raise OperatorError(
                f"the header has no column {', '.join(missing)}; it has {', '.join(header)}"
            )
        return found


POLICE_UK = Format(
    FormatName.POLICE_UK,
    "data.police.uk",
    {
        "id": "Crime ID",
        "time": "Month",
        "lon": "Longitude",
        "lat": "Latitude",
        "category": "Crime type",
        "area": "LSOA code",
        "force": "Reported by",
    },
)
DC_MPD = Format(
    FormatName.DC_MPD,
    "opendata.dc.gov",
    {
        "id": "CCN",
        "time": "START_DATE",
        "reported": "REPORT_DAT",
        "lon": "XBLOCK",
        "lat": "YBLOCK",
        "category": "OFFENSE",
        "area": "PSA",
    },
    srid=26985,
)
_PUBLISHED = {known.name: known for known in (POLICE_UK, DC_MPD)}


def detect(header: Sequence[str]) -> Format:
    """The published format that the header is of."""
    names = {name.strip().lower() for name in header}
    for known in _PUBLISHED.values():
        if all(known.columns[role].lower() in names for role in _NEEDED):
            return known
    raise OperatorError(
        "the first line is not the header of a known format: it says "
        f"{', '.join(header)[:200]}; name its columns with --map"
    )


def mapped(mapping: str, source: str | None) -> Format:
    """The format that `--map id=...,time=...,lon=...,lat=...,category=...,srid=...` describes."""
    pairs = [entry.partition("=") for entry in mapping.split(",")]
    columns = {role.strip(): column.strip() for role, _, column in pairs}
    srid = columns.pop("srid", str(LON_LAT))
    unknown = [role for role in columns if role not in _ROLES]
    missing = [role for role in _NEEDED if not columns.get(role)]
    if unknown or missing or len(pairs) != len({role.strip() for role, _, _ in pairs}):
        raise OperatorError(
            "--map takes id, time, lon, lat, category and srid, each once, as name=column"
            + (f"; it lacks {', '.join(missing)}" if missing else "")
            + (f"; it does not take {', '.join(unknown)}" if unknown else "")
        )
    if not srid.isdecimal():
        raise OperatorError(f"--map srid={srid} is not an EPSG code")
    if source is None:
        raise OperatorError(
            "--map needs --source NAME: a later file of the same source replaces its months"
        )
    return Format(FormatName.MAPPED, source, columns, int(srid))


def choose(
    name: FormatName, header: Sequence[str], mapping: str | None, source: str | None
) -> Format:
    """The format to read a file with, from what the operator said and what the header says."""
    if mapping is not None:
        if name not in (FormatName.AUTO, FormatName.MAPPED):
            raise OperatorError(f"--map does not go with --format {name}")
        return mapped(mapping, source)
    if name is FormatName.MAPPED:
        raise OperatorError("--format mapped needs --map")
    chosen = detect(header) if name is FormatName.AUTO else _PUBLISHED[name]
    return chosen if source is None else replace(chosen, publisher=source)
